//! Two answers to one request. Lines: pointers to ignore, separated by spaces, then a body, then the other one.

use causeway::plan::CompareBody;
use causeway::upstream::mirror::compare::{BodyDifference, MOST_POINTERS, bodies, pointer};
use serde_json::Value;

pub fn check(data: &[u8]) {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let [ignored, one, other] = std::array::from_fn(|_| lines.next().unwrap_or_default());
    let ignored = String::from_utf8_lossy(ignored);
    let pointers: Vec<&str> = ignored
        .split(' ')
        .filter(|p| pointer(p).is_some())
        .collect();
    let json = |pointers: &[&str]| CompareBody::Json {
        ignore: pointers
            .iter()
            .filter_map(|written| pointer(written))
            .collect(),
    };
    let (strict, lax) = (json(&[]), json(&pointers));

    for how in [&strict, &lax, &CompareBody::Bytes] {
        assert_eq!(bodies(how, one, one), None);
        // Who is asked first makes no difference.
        assert_eq!(
            bodies(how, one, other).is_none(),
            bodies(how, other, one).is_none()
        );
    }
    // What is the same byte for byte means the same, and what means the same is the same but for parts of it.
    if bodies(&CompareBody::Bytes, one, other).is_none() {
        assert_eq!(bodies(&strict, one, other), None);
    }
    if bodies(&strict, one, other).is_none() {
        assert_eq!(bodies(&lax, one, other), None);
    }
    let read = |body| serde_json::from_slice::<Value>(body).ok();
    let (Some(one_read), Some(other_read)) = (read(one), read(other)) else {
        return;
    };
    // Another spelling of the same is the same.
    let spelled = serde_json::to_vec_pretty(&one_read).expect("JSON");
    assert_eq!(bodies(&strict, one, &spelled), None);
    match bodies(&strict, one, other) {
        // `1` and `1.0` are the same here and not there.
        None => {}
        Some(BodyDifference::Pointers(told, more)) => {
            assert_ne!(one_read, other_read);
            assert!(!told.is_empty() && (told.len() == MOST_POINTERS || !more));
            for told in told.iter().filter(|told| !told.ends_with("...")) {
                let found = (one_read.pointer(told), other_read.pointer(told));
                assert_ne!(found.0, found.1, "{told:?}");
                if let (Some(_), false) = (pointer(told), more) {
                    hidden(told, one, other);
                }
            }
        }
        Some(BodyDifference::Json(..) | BodyDifference::Bytes(..) | BodyDifference::Longer) => {
            panic!("both are JSON");
        }
    }
}

/// A part that is ignored is not told.
fn hidden(told: &str, one: &[u8], other: &[u8]) {
    let how = CompareBody::Json {
        ignore: pointer(told).into_iter().collect(),
    };
    if let Some(BodyDifference::Pointers(still, _)) = bodies(&how, one, other) {
        assert!(!still.iter().any(|pointer| pointer == told));
    }
}
