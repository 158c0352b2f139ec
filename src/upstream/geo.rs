//! Which zones are near to a client, by what Cloudflare knows of it (`request.cf`).

use crate::plan::{Near, Zone};

/// Where a client is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Geography {
    /// The location of Cloudflare's that took the request.
    pub colo: String,
    pub country: String,
    pub continent: String,
    /// Degrees north and east.
    pub location: Option<(f32, f32)>,
}

/// The zones, the nearest first. Before any distance counts what a zone says of whom it is near to: its locations, its
/// countries, its continents. Without a location, a client stands in the middle of its continent. Zones of which nothing
/// is known come last, in their order.
pub fn nearest(zones: &[Zone], client: &Geography) -> Vec<u16> {
    let here = client.location.or_else(|| middle(&client.continent));
    let mut ranked: Vec<(u8, f32, u16)> = (0_u16..)
        .zip(zones)
        .map(|(index, zone)| {
            let named = zone.near.iter().map(|near| match near {
                Near::Colo(colo) if *colo == client.colo => 0,
                Near::Country(country) if *country == client.country => 1,
                Near::Continent(continent) if *continent == client.continent => 2,
                _ => 3,
            });
            let named = named.min().unwrap_or(3);
            let distance = match (here, zone.location) {
                (Some(here), Some(there)) => distance(here, there),
                _ => f32::INFINITY,
            };
            (named, distance, index)
        })
        .collect();
    ranked.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    ranked.into_iter().map(|(_, _, index)| index).collect()
}

/// How far apart two places are: the square of the chord through the earth, whose radius is 1.
fn distance(from: (f32, f32), to: (f32, f32)) -> f32 {
    let ([a, b, c], [x, y, z]) = (point(from), point(to));
    (a - x) * (a - x) + (b - y) * (b - y) + (c - z) * (c - z)
}

fn point((north, east): (f32, f32)) -> [f32; 3] {
    let (up, out) = (cosine(90.0 - north), cosine(north));
    [out * cosine(east), out * cosine(90.0 - east), up]
}

/// The cosine of degrees, to two parts in a thousand (Bhaskara I): enough to tell what is nearer, and small.
fn cosine(degrees: f32) -> f32 {
    let turned = degrees.abs();
    let turned = if turned > 180.0 {
        360.0 - turned
    } else {
        turned
    };
    if turned > 90.0 {
        return -cosine(180.0 - turned);
    }
    let square = turned * turned;
    (32_400.0 - 4.0 * square) / (32_400.0 + square)
}

/// Where most people of a continent live, roughly.
fn middle(continent: &str) -> Option<(f32, f32)> {
    Some(match continent {
        "AF" => (5.0, 20.0),
        "AN" => (-80.0, 0.0),
        "AS" => (28.0, 95.0),
        "EU" => (50.0, 12.0),
        "NA" => (39.0, -95.0),
        "OC" => (-30.0, 145.0),
        "SA" => (-18.0, -55.0),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str, location: Option<(f32, f32)>, near: Vec<Near>) -> Zone {
        Zone {
            name: name.into(),
            location,
            near,
            ..Zone::default()
        }
    }

    #[test]
    fn the_nearest_zone_comes_first_unless_another_says_it_is_near() {
        let zones = [
            zone("nowhere", None, vec![]),
            zone("virginia", Some((38.9, -77.4)), vec![]),
            zone(
                "frankfurt",
                Some((50.1, 8.7)),
                vec![Near::Country("CH".into())],
            ),
            zone("milan", Some((45.5, 9.2)), vec![Near::Colo("ZRH".into())]),
            zone(
                "tokyo",
                Some((35.7, 139.7)),
                vec![Near::Continent("OC".into())],
            ),
            zone("sydney", Some((-33.9, 151.2)), vec![]),
        ];
        let client = |colo: &str, country: &str, continent: &str, location| Geography {
            colo: colo.into(),
            country: country.into(),
            continent: continent.into(),
            location,
        };
        for (client, expected) in [
            (
                client("EWR", "US", "NA", Some((40.7, -74.0))),
                [1, 2, 3, 4, 5, 0],
            ),
            (
                client("MXP", "IT", "EU", Some((41.9, 12.5))),
                [3, 2, 1, 4, 5, 0],
            ),
            (
                client("MXP", "CH", "EU", Some((46.0, 8.9))),
                [2, 3, 1, 4, 5, 0],
            ),
            (
                client("ZRH", "CH", "EU", Some((47.4, 8.5))),
                [3, 2, 1, 4, 5, 0],
            ),
            (
                client("SYD", "AU", "OC", Some((-33.9, 151.2))),
                [4, 5, 1, 2, 3, 0],
            ),
            (client("", "", "EU", None), [2, 3, 1, 4, 5, 0]),
            (client("", "", "", None), [0, 1, 2, 3, 4, 5]),
        ] {
            assert_eq!(nearest(&zones, &client), expected, "{client:?}");
        }
        // Across the date line it is not far.
        let (suva, apia) = ((-18.1, 178.4), (-13.8, -171.8));
        assert!(distance(suva, apia) < 0.1);
        for (degrees, expected) in [
            (0.0, 1.0),
            (60.0, 0.5),
            (90.0, 0.0),
            (-120.0, -0.5),
            (270.0, 0.0),
        ] {
            assert!((cosine(degrees) - expected).abs() < 0.002, "{degrees}");
        }
    }
}
