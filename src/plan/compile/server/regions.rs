//! Where the regions of the large clouds are: the country, and whole degrees, enough to tell which one is nearer.
//!
//! From the clouds' own lists of regions, which name a city or a state each.

/// A place that clouds have names for.
pub(in crate::plan::compile) struct Region {
    /// Those of AWS, Google Cloud and Azure.
    pub names: &'static [&'static str],
    /// ISO 3166-1, two letters.
    pub country: &'static str,
    /// Whole degrees north and east.
    place: (i8, i16),
}

impl Region {
    /// Degrees north and east.
    pub fn location(&self) -> (f32, f32) {
        (f32::from(self.place.0), f32::from(self.place.1))
    }
}

/// The region of that name, whatever its case and blanks are: Azure shows `West Europe` for `westeurope`.
pub(in crate::plan::compile) fn region(written: &str) -> Option<&'static Region> {
    let named = |name: &str| {
        let letters = written.bytes().filter(|byte| *byte != b' ');
        letters.map(|b| b.to_ascii_lowercase()).eq(name.bytes())
    };
    let mut regions = REGIONS.iter();
    regions.find(|region| region.names.iter().any(|name| named(name)))
}

/// Whether any region is in the country of that code.
pub(in crate::plan::compile) fn is_country(code: &str) -> bool {
    REGIONS.iter().any(|region| region.country == code)
}

const fn at(names: &'static [&'static str], country: &'static str, north: i8, east: i16) -> Region {
    Region {
        names,
        country,
        place: (north, east),
    }
}

const REGIONS: &[Region] = &[
    at(
        &["us-east-1", "us-east4", "eastus", "eastus2"],
        "US",
        39,
        -77,
    ),
    at(&["us-east-2", "us-east5"], "US", 40, -83),
    at(&["us-west-1", "westus"], "US", 37, -122),
    at(&["us-west-2", "us-west1"], "US", 45, -121),
    at(&["us-central1", "centralus"], "US", 41, -95),
    at(&["us-east1"], "US", 33, -80),
    at(&["us-west2"], "US", 34, -118),
    at(&["us-west3"], "US", 41, -112),
    at(&["us-west4", "westus3"], "US", 36, -115),
    at(&["us-south1", "southcentralus"], "US", 33, -97),
    at(&["northcentralus"], "US", 42, -88),
    at(&["westus2"], "US", 47, -120),
    at(&["westcentralus"], "US", 41, -105),
    at(&["us-gov-west-1"], "US", 45, -121),
    at(&["us-gov-east-1"], "US", 40, -83),
    at(&["usgovvirginia"], "US", 37, -78),
    at(
        &["ca-central-1", "northamerica-northeast1", "canadaeast"],
        "CA",
        46,
        -74,
    ),
    at(&["northamerica-northeast2", "canadacentral"], "CA", 44, -79),
    at(&["ca-west-1"], "CA", 51, -114),
    at(
        &["mx-central-1", "northamerica-south1", "mexicocentral"],
        "MX",
        21,
        -100,
    ),
    at(
        &["sa-east-1", "southamerica-east1", "brazilsouth"],
        "BR",
        -24,
        -47,
    ),
    at(&["southamerica-west1", "chilecentral"], "CL", -33, -71),
    at(&["eu-west-1", "northeurope"], "IE", 53, -6),
    at(&["eu-west-2", "europe-west2", "uksouth"], "GB", 52, 0),
    at(&["ukwest"], "GB", 51, -3),
    at(&["eu-west-3", "europe-west9", "francecentral"], "FR", 49, 2),
    at(
        &["eu-central-1", "europe-west3", "germanywestcentral"],
        "DE",
        50,
        9,
    ),
    at(&["europe-west10", "germanynorth"], "DE", 53, 13),
    at(
        &["eu-central-2", "europe-west6", "switzerlandnorth"],
        "CH",
        47,
        9,
    ),
    at(&["switzerlandwest"], "CH", 46, 6),
    at(&["eu-north-1", "swedencentral"], "SE", 60, 17),
    at(&["europe-north1"], "FI", 61, 27),
    at(&["europe-north2"], "SE", 59, 18),
    at(&["norwayeast"], "NO", 60, 11),
    at(&["eu-south-1", "europe-west8", "italynorth"], "IT", 45, 9),
    at(&["europe-west12"], "IT", 45, 8),
    at(
        &["eu-south-2", "europe-southwest1", "spaincentral"],
        "ES",
        40,
        -4,
    ),
    at(&["europe-west1", "belgiumcentral"], "BE", 50, 4),
    at(&["europe-west4", "westeurope"], "NL", 53, 6),
    at(&["europe-central2", "polandcentral"], "PL", 52, 21),
    at(&["austriaeast"], "AT", 48, 16),
    at(&["il-central-1", "me-west1", "israelcentral"], "IL", 32, 35),
    at(&["me-south-1"], "BH", 26, 51),
    at(&["me-central-1", "uaenorth"], "AE", 25, 55),
    at(&["me-central1", "qatarcentral"], "QA", 25, 51),
    at(&["me-central2"], "SA", 26, 50),
    at(&["af-south-1", "southafricawest"], "ZA", -34, 18),
    at(&["africa-south1", "southafricanorth"], "ZA", -26, 28),
    at(&["ap-south-1", "asia-south1", "westindia"], "IN", 19, 73),
    at(&["centralindia"], "IN", 19, 74),
    at(&["ap-south-2"], "IN", 17, 78),
    at(&["asia-south2"], "IN", 29, 77),
    at(&["southindia"], "IN", 13, 80),
    at(
        &["ap-southeast-1", "asia-southeast1", "southeastasia"],
        "SG",
        1,
        104,
    ),
    at(
        &["ap-southeast-3", "asia-southeast2", "indonesiacentral"],
        "ID",
        -6,
        107,
    ),
    at(&["ap-southeast-5", "malaysiawest"], "MY", 3, 102),
    at(&["ap-southeast-7"], "TH", 14, 100),
    at(&["ap-east-1", "asia-east2", "eastasia"], "HK", 22, 114),
    at(&["asia-east1"], "TW", 24, 120),
    at(
        &["ap-northeast-1", "asia-northeast1", "japaneast"],
        "JP",
        36,
        140,
    ),
    at(
        &["ap-northeast-3", "asia-northeast2", "japanwest"],
        "JP",
        35,
        135,
    ),
    at(
        &["ap-northeast-2", "asia-northeast3", "koreacentral"],
        "KR",
        38,
        127,
    ),
    at(
        &["ap-southeast-2", "australia-southeast1", "australiaeast"],
        "AU",
        -34,
        151,
    ),
    at(
        &[
            "ap-southeast-4",
            "australia-southeast2",
            "australiasoutheast",
        ],
        "AU",
        -38,
        145,
    ),
    at(&["ap-southeast-6", "newzealandnorth"], "NZ", -37, 175),
    at(&["ap-east-2"], "TW", 25, 121),
    at(&["cn-north-1", "chinanorth3"], "CN", 40, 116),
    at(&["cn-northwest-1"], "CN", 37, 105),
    at(&["chinaeast2"], "CN", 31, 121),
    at(&["eusc-de-east-1"], "DE", 52, 13),
    at(&["francesouth"], "FR", 44, 2),
    at(&["norwaywest"], "NO", 59, 6),
    at(&["uaecentral"], "AE", 24, 54),
    at(&["koreasouth"], "KR", 35, 129),
    at(&["jioindiawest"], "IN", 22, 70),
    at(&["australiacentral"], "AU", -35, 149),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_stands_once_and_on_the_earth() {
        let names = REGIONS.iter().flat_map(|region| region.names);
        let names: Vec<&str> = names.copied().collect();
        for (index, name) in names.iter().enumerate() {
            assert!(!names[..index].contains(name), "{name}");
        }
        for region in REGIONS {
            let (north, east) = region.place;
            assert!(north.abs() <= 90 && east.abs() <= 180 && region.country.len() == 2);
        }
        let found = |name| region(name).map(|r| (r.location(), r.country));
        assert_eq!(found("europe-west4"), Some(((53.0, 6.0), "NL")));
        assert_eq!(found("West Europe"), found("europe-west4"));
        assert_eq!(found("US-East-1").map(|r| r.1), Some("US"));
        assert_eq!(found("moon-1"), None);
    }
}
