//! What names say of where something stands: of a region, of a host, of a zone. The author says by `jurisdiction` whose
//! law holds in a zone; a name can contradict that, or cast a doubt on it. It never proves it.

use super::server::regions::{Region, is_country, region};
use crate::config::{Context, Span};
use crate::plan::{IdentityKind, Text, Zone};

/// Whether a country is within a jurisdiction. `None` where that cannot be told: the name of a jurisdiction is the
/// author's, and only `eu`, `eea` and codes of countries are known here.
fn within(jurisdiction: &str, country: &str) -> Option<bool> {
    const EU: [&str; 27] = [
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE",
        "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
    ];
    const EEA: [&str; 3] = ["IS", "LI", "NO"];
    match jurisdiction {
        "eu" => Some(EU.contains(&country)),
        "eea" => Some(EU.contains(&country) || EEA.contains(&country)),
        "uk" => Some(country == "GB"),
        "usa" => Some(country == "US"),
        // Where clouds are; `sa` is South America to some, and Saudi Arabia to others.
        "sa" => None,
        code => {
            let code = code.to_ascii_uppercase();
            let known = EU.contains(&code.as_str()) || is_country(&code);
            known.then(|| code == country)
        }
    }
}

/// Whether a zone's jurisdiction cannot hold in any of the countries. `false` if it may, or nobody knows.
fn outside(zone: &Zone, countries: &[&str]) -> bool {
    let Some(jurisdiction) = zone.jurisdiction.as_deref() else {
        return false;
    };
    let mut countries = countries.iter();
    countries.all(|country| within(jurisdiction, country) == Some(false))
}

/// Tells if the zone's own region or name does not fit its jurisdiction.
pub(super) fn check_zone(zone: &Zone, name: Span, written: Option<Span>, cx: &mut Context) {
    let Some(jurisdiction) = &zone.jurisdiction else {
        return;
    };
    if let (Some(name), Some(span)) = (&zone.region, written) {
        match region(name).or_else(|| region(without_availability_zone(name))) {
            Some(known) if outside(zone, &[known.country]) => {
                let country = known.country;
                let message =
                    format!("the region `{name}` ({country}) is not within `{jurisdiction}`");
                cx.error(span, "contradiction", message).help(
                    "write the region that is meant, or the `jurisdiction` whose law holds there",
                );
            }
            Some(_) => {}
            None => doubt(zone, name, span, "this region", cx),
        }
    }
    doubt(zone, &zone.name, name, "this zone", cx);
}

/// `us-east-1` of `us-east-1a`, `us-central1` of `us-central1-a`.
fn without_availability_zone(name: &str) -> &str {
    let without = name.strip_suffix(|c: char| c.is_ascii_lowercase());
    without.map_or(name, |rest| rest.strip_suffix('-').unwrap_or(rest))
}

/// Warns of a name that sounds as if it were of another jurisdiction.
fn doubt(zone: &Zone, name: &str, span: Span, what: &str, cx: &mut Context) {
    let known = region(name).map(|known| known.country);
    let sounds = match &known {
        Some(country) => outside(zone, &[country]),
        None => {
            parts(name).any(|part| outside(zone, countries(part)) && !countries(part).is_empty())
        }
    };
    if sounds {
        let jurisdiction = zone.jurisdiction.as_deref().unwrap_or_default();
        let message =
            format!("the name of {what} does not sound as if `{jurisdiction}` held there");
        cx.warning(span, "doubtful_place", message)
            .help("see whether the `jurisdiction` of the zone is right");
    }
}

/// Tells if what the gateway signs for at an endpoint is a region where its zone cannot be: AWS takes a signature for its
/// own region alone.
pub(super) fn check_identity(
    kind: &IdentityKind,
    endpoint: &str,
    zone: &Zone,
    server: Span,
    cx: &mut Context,
) {
    let IdentityKind::Aws(identity) = kind else {
        return;
    };
    let Text::Literal(name) = &identity.region else {
        return;
    };
    if let Some(known) = region(name)
        && outside(zone, &[known.country])
    {
        let within = zone.jurisdiction.as_deref().unwrap_or_default();
        let message = format!(
            "the identity at the endpoint `{endpoint}` is for the region `{name}` ({}), which is not within `{within}`",
            known.country
        );
        cx.error(server, "contradiction", message)
            .help("name the zone where the endpoint is, or the region that is meant");
    }
}

/// What the host of a URL says against the zone that it is said to stand in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Against {
    /// It cannot be so.
    Contradiction(String),
    /// It may not be so.
    Doubt(String),
}

/// What the host of a checked URL says against its zone, if anything.
pub(crate) fn against(url: &str, zone: &Zone) -> Option<Against> {
    let host = url.split_once("://")?.1;
    let host = host.split(['/', ':', '?']).next()?;
    let host = host.strip_suffix('.').unwrap_or(host);
    // An address, or a name that says nothing.
    let (labels, _) = host.rsplit_once('.')?;
    let jurisdiction = zone.jurisdiction.as_deref();
    let within_it = || jurisdiction.unwrap_or_default();
    let of_cloud = NAMES_REGION.iter().any(|suffix| is_below(host, suffix));
    if let Some((label, name, named)) = region_in(labels) {
        let of_cloud = of_cloud && is_told(label, name, host);
        let own = zone.region.as_deref().unwrap_or(&zone.name);
        let own = region(own);
        let elsewhere = own.is_some_and(|own| own.country != named.country);
        let other = own.is_some_and(|own| !std::ptr::eq(own, named));
        let message = format!("this host is in the region `{name}` ({})", named.country);
        return if outside(zone, &[named.country]) {
            let message = format!("{message}, which is not within `{}`", within_it());
            Some(match of_cloud {
                true => Against::Contradiction(message),
                false => Against::Doubt(message.replacen("is in", "seems to be in", 1)),
            })
        } else if of_cloud && elsewhere && jurisdiction.is_some_and(|j| within(j, "").is_none()) {
            // Of a jurisdiction of another name, the zone's region is all that is known.
            Some(Against::Contradiction(format!(
                "{message}, not in that of its zone"
            )))
        } else if of_cloud && other {
            Some(Against::Doubt(format!(
                "{message}, not in that of its zone"
            )))
        } else {
            None
        };
    }
    jurisdiction?;
    if let Some(code) = google_code(host)
        && outside(zone, &[code])
    {
        let message = format!(
            "this host seems to be in {code}, not within `{}`",
            within_it()
        );
        return Some(Against::Doubt(message));
    }
    if EVERYWHERE.iter().any(|suffix| is_below(host, suffix)) || is_legacy_s3(host) {
        let message = format!(
            "this host is answered wherever its provider likes, perhaps not within `{}`",
            within_it()
        );
        return Some(Against::Doubt(message));
    }
    let telling = |part: &&str| !countries(part).is_empty() && outside(zone, countries(part));
    let part = labels.split('.').flat_map(parts).find(telling)?;
    let message = format!(
        "`{part}` in this host does not sound as if it stood within `{}`",
        within_it()
    );
    Some(Against::Doubt(message))
}

fn is_below(host: &str, suffix: &str) -> bool {
    let labels = host.strip_suffix(suffix);
    labels.is_some_and(|labels| labels.is_empty() || labels.ends_with('.'))
}

/// Amazon's S3 without a region is that of Virginia, or wherever the bucket is.
fn is_legacy_s3(host: &str) -> bool {
    is_below(host, "s3.amazonaws.com")
}

/// The region that one of the labels names, alone or with something before or behind it: `s3-us-west-2`,
/// `westeurope-01`, `us-central1-project`.
fn region_in(labels: &str) -> Option<(&str, &str, &'static Region)> {
    // What a customer chooses, such as the name of a bucket, stands in front of what the cloud writes.
    labels.rsplit('.').find_map(|label| {
        let hyphens = || label.bytes().enumerate().filter(|(_, b)| *b == b'-');
        let starts = std::iter::once(0).chain(hyphens().map(|(at, _)| at.saturating_add(1)));
        starts
            .flat_map(|start| {
                let ends = hyphens().map(|(at, _)| at).chain([label.len()]);
                ends.filter_map(move |end| label.get(start..end))
            })
            .filter_map(|name| Some((label, name, region(name)?)))
            .max_by_key(|(_, name, _)| name.len())
    })
}

/// Whether a cloud has put the region's name into a label. Else it may be a part of a name that somebody chose.
fn is_told(label: &str, name: &str, host: &str) -> bool {
    let number = label
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('-'));
    label == name
        || label.starts_with("s3-")
        || number.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
        || ["cloudfunctions.net", "googleapis.com"]
            .iter()
            .any(|suffix| is_below(host, suffix))
            && label.starts_with(name)
}

/// The country of the code that stands for a region in hosts of Cloud Run and App Engine: `name-1a2b3c-uc.a.run.app`,
/// `project.uc.r.appspot.com`. Google calls the codes its own, so they cast doubts only.
fn google_code(host: &str) -> Option<&'static str> {
    let labels = [".a.run.app", ".r.appspot.com"];
    let labels = labels.iter().find_map(|suffix| host.strip_suffix(suffix))?;
    match labels.rsplit(['.', '-']).next()? {
        "uc" | "ue" | "uk" | "uw" | "wl" | "wm" | "wn" => Some("US"),
        "ew" => Some("BE"),
        "nw" => Some("GB"),
        "ey" => Some("DE"),
        "ez" => Some("NL"),
        "oa" => Some("CH"),
        "lm" => Some("PL"),
        "lz" => Some("FI"),
        "an" | "dt" => Some("JP"),
        "de" => Some("TW"),
        "as" => Some("SG"),
        "ts" => Some("AU"),
        "rj" => Some("BR"),
        "nn" => Some("CA"),
        _ => None,
    }
}

fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split(['-', '_', ' '])
}

/// The countries that a word in a name may mean. Words that mean something else as well are none.
fn countries(word: &str) -> &'static [&'static str] {
    let lower = word.to_ascii_lowercase();
    match lower.trim_end_matches(|c: char| c.is_ascii_digit()) {
        "us" | "usa" => &["US"],
        // The names of clouds, not of the law: London and Zurich are in them.
        "eu" | "europe" => &["DE", "GB", "CH", "NO", "FR", "IE"],
        "uk" | "gb" | "london" => &["GB"],
        "frankfurt" | "germany" | "berlin" => &["DE"],
        "france" | "paris" => &["FR"],
        "ireland" | "dublin" => &["IE"],
        "ch" | "swiss" | "switzerland" | "zurich" => &["CH"],
        "asia" | "apac" | "ap" => &["JP", "SG", "IN", "KR", "AU", "HK", "TW"],
        "cn" | "china" => &["CN"],
        "jp" | "japan" | "tokyo" => &["JP"],
        "sg" | "singapore" => &["SG"],
        "india" | "mumbai" => &["IN"],
        "au" | "australia" | "sydney" => &["AU"],
        "canada" => &["CA"],
        "brazil" => &["BR"],
        "virginia" | "ohio" | "oregon" | "california" | "iowa" => &["US"],
        _ => &[],
    }
}

/// Domains of clouds in which a label that is the name of a region is just that.
const NAMES_REGION: [&str; 18] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "api.aws",
    "awsapprunner.com",
    "elasticbeanstalk.com",
    "on.aws",
    "appspot.com",
    "cloudfunctions.net",
    "gateway.dev",
    "googleapis.com",
    "run.app",
    "azure.com",
    "azure.net",
    "azurecontainer.io",
    "azurecontainerapps.io",
    "azurewebsites.net",
    "microsoft.com",
];

/// Domains of networks whose names say nothing of a place: requests are answered, or passed on, anywhere.
const EVERYWHERE: [&str; 17] = [
    "akamaized.net",
    "awsglobalaccelerator.com",
    "azureedge.net",
    "azurefd.net",
    "b-cdn.net",
    "cloudfront.net",
    "deno.dev",
    "edgekey.net",
    "fastly.net",
    "netlify.app",
    "pages.dev",
    "r2.dev",
    "trafficmanager.net",
    "vercel.app",
    "workers.dev",
    "storage.googleapis.com",
    "ngrok.app",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(region: Option<&str>, jurisdiction: Option<&str>) -> Zone {
        Zone {
            name: "z".to_owned(),
            region: region.map(str::to_owned),
            jurisdiction: jurisdiction.map(str::to_owned),
            ..Zone::default()
        }
    }

    #[test]
    fn a_host_contradicts_its_zone_casts_a_doubt_or_says_nothing() {
        let eu = zone(Some("eu-central-1"), Some("eu"));
        for (host, expected) in [
            ("api.example.com", None),
            ("127.0.0.1", None),
            ("localhost", None),
            ("x.execute-api.eu-central-1.amazonaws.com", None),
            ("x.execute-api.us-east-1.amazonaws.com", Some(true)),
            ("x.lambda-url.us-west-2.on.aws", Some(true)),
            ("s3-us-west-2.amazonaws.com", Some(true)),
            ("x.eu-west-2.amazonaws.com", Some(true)),
            ("x.eu-west-1.amazonaws.com", Some(false)),
            ("svc-123456.us-central1.run.app", Some(true)),
            ("us-central1-p.cloudfunctions.net", Some(true)),
            ("svc-abc-uc.a.run.app", Some(false)),
            ("svc-abc-ew.a.run.app", None),
            ("p.uc.r.appspot.com", Some(false)),
            ("vm.eastus.cloudapp.azure.com", Some(true)),
            ("app-x1.eastus2-01.azurewebsites.net", Some(true)),
            ("app.westeurope.azurecontainerapps.io", Some(false)),
            ("app-us-east-1.azurewebsites.net", Some(false)),
            ("us-central1-aiplatform.googleapis.com", Some(true)),
            ("eu-central-1-a.s3.us-east-1.amazonaws.com", Some(true)),
            ("us-east-1.s3.eu-central-1.amazonaws.com", None),
            ("d1.cloudfront.net", Some(false)),
            ("b.s3.amazonaws.com", Some(false)),
            ("us-east-1.api.example.com", Some(false)),
            ("us.api.example.com", Some(false)),
            ("api-us2.example.com", Some(false)),
            ("api-eu.example.com", None),
            ("focus.example.us", None),
        ] {
            let found = against(&format!("https://{host}:8443/v1"), &eu);
            let found = found.map(|found| matches!(found, Against::Contradiction(_)));
            assert_eq!(found, expected, "{host}");
        }
        let host = "https://x.execute-api.us-east-1.amazonaws.com";
        let contradicts =
            |zone: Zone| matches!(against(host, &zone), Some(Against::Contradiction(_)));
        assert!(contradicts(zone(None, Some("eu"))));
        assert!(contradicts(zone(None, Some("de"))));
        assert!(contradicts(zone(Some("eu-central-1"), Some("gdpr"))));
        assert!(!contradicts(zone(None, Some("gdpr"))));
        assert!(!contradicts(zone(None, Some("us"))));
        assert!(!contradicts(zone(Some("eu-central-1"), None)));
    }
}
