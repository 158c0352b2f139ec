//! Where the regions of the large clouds are, in whole degrees: enough to tell which one is nearer.
//!
//! From the clouds' own lists of regions, which name a city or a state each.

/// Degrees north and east of a region.
pub(super) fn location(region: &str) -> Option<(f32, f32)> {
    REGIONS
        .iter()
        .find(|(names, _)| names.contains(&region))
        .map(|(_, (north, east))| (f32::from(*north), f32::from(*east)))
}

/// Names of AWS, Google Cloud and Azure for what is in one place.
const REGIONS: &[(&[&str], (i8, i16))] = &[
    // North America
    (&["us-east-1", "us-east4", "eastus", "eastus2"], (39, -77)),
    (&["us-east-2", "us-east5"], (40, -83)),
    (&["us-west-1", "westus"], (37, -122)),
    (&["us-west-2", "us-west1"], (45, -121)),
    (&["us-central1", "centralus"], (41, -95)),
    (&["us-east1"], (33, -80)),
    (&["us-west2"], (34, -118)),
    (&["us-west3"], (41, -112)),
    (&["us-west4", "westus3"], (36, -115)),
    (&["us-south1", "southcentralus"], (33, -97)),
    (&["northcentralus"], (42, -88)),
    (&["westus2"], (47, -120)),
    (&["westcentralus"], (41, -105)),
    (
        &["ca-central-1", "northamerica-northeast1", "canadaeast"],
        (46, -74),
    ),
    (&["northamerica-northeast2", "canadacentral"], (44, -79)),
    (&["ca-west-1"], (51, -114)),
    (
        &["mx-central-1", "northamerica-south1", "mexicocentral"],
        (21, -100),
    ),
    // South America
    (
        &["sa-east-1", "southamerica-east1", "brazilsouth"],
        (-24, -47),
    ),
    (&["southamerica-west1", "chilecentral"], (-33, -71)),
    // Europe
    (&["eu-west-1", "northeurope"], (53, -6)),
    (&["eu-west-2", "europe-west2", "uksouth"], (52, 0)),
    (&["ukwest"], (51, -3)),
    (&["eu-west-3", "europe-west9", "francecentral"], (49, 2)),
    (
        &["eu-central-1", "europe-west3", "germanywestcentral"],
        (50, 9),
    ),
    (&["europe-west10", "germanynorth"], (53, 13)),
    (
        &["eu-central-2", "europe-west6", "switzerlandnorth"],
        (47, 9),
    ),
    (&["switzerlandwest"], (46, 6)),
    (&["eu-north-1", "swedencentral"], (60, 17)),
    (&["europe-north1"], (61, 27)),
    (&["europe-north2"], (59, 18)),
    (&["norwayeast"], (60, 11)),
    (&["eu-south-1", "europe-west8", "italynorth"], (45, 9)),
    (&["europe-west12"], (45, 8)),
    (
        &["eu-south-2", "europe-southwest1", "spaincentral"],
        (40, -4),
    ),
    (&["europe-west1", "belgiumcentral"], (50, 4)),
    (&["europe-west4", "westeurope"], (53, 6)),
    (&["europe-central2", "polandcentral"], (52, 21)),
    (&["austriaeast"], (48, 16)),
    // Middle East and Africa
    (&["il-central-1", "me-west1", "israelcentral"], (32, 35)),
    (&["me-south-1"], (26, 51)),
    (&["me-central-1", "uaenorth"], (25, 55)),
    (&["me-central1", "qatarcentral"], (25, 51)),
    (&["me-central2"], (26, 50)),
    (&["af-south-1", "southafricawest"], (-34, 18)),
    (&["africa-south1", "southafricanorth"], (-26, 28)),
    // Asia and Oceania
    (&["ap-south-1", "asia-south1", "westindia"], (19, 73)),
    (&["centralindia"], (19, 74)),
    (&["ap-south-2"], (17, 78)),
    (&["asia-south2"], (29, 77)),
    (&["southindia"], (13, 80)),
    (
        &["ap-southeast-1", "asia-southeast1", "southeastasia"],
        (1, 104),
    ),
    (
        &["ap-southeast-3", "asia-southeast2", "indonesiacentral"],
        (-6, 107),
    ),
    (&["ap-southeast-5", "malaysiawest"], (3, 102)),
    (&["ap-southeast-7"], (14, 100)),
    (&["ap-east-1", "asia-east2", "eastasia"], (22, 114)),
    (&["asia-east1"], (24, 120)),
    (
        &["ap-northeast-1", "asia-northeast1", "japaneast"],
        (36, 140),
    ),
    (
        &["ap-northeast-3", "asia-northeast2", "japanwest"],
        (35, 135),
    ),
    (
        &["ap-northeast-2", "asia-northeast3", "koreacentral"],
        (38, 127),
    ),
    (
        &["ap-southeast-2", "australia-southeast1", "australiaeast"],
        (-34, 151),
    ),
    (
        &[
            "ap-southeast-4",
            "australia-southeast2",
            "australiasoutheast",
        ],
        (-38, 145),
    ),
    (&["ap-southeast-6", "newzealandnorth"], (-37, 175)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_stands_once_and_on_the_earth() {
        let names: Vec<&str> = REGIONS
            .iter()
            .flat_map(|(names, _)| names.iter().copied())
            .collect();
        for (index, name) in names.iter().enumerate() {
            assert!(!names[..index].contains(name), "{name}");
        }
        assert!(
            REGIONS
                .iter()
                .all(|(_, (n, e))| n.abs() <= 90 && e.abs() <= 180)
        );
        assert_eq!(location("europe-west4"), Some((53.0, 6.0)));
        assert_eq!(location("moon-1"), None);
    }
}
