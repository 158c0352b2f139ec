//! A certificate in DER.

use causeway::auth::{Workloads, is_spiffe_id, spiffe_id};

pub fn check(data: &[u8]) {
    let Ok(id) = spiffe_id(data) else {
        return;
    };
    // What comes out is a name, and stands in what went in.
    assert!(is_spiffe_id(id));
    assert!(data.windows(id.len()).any(|part| part == id.as_bytes()));
    let rule = Workloads::read(id).expect("a name is a rule");
    assert!(rule.accept(id));
    // It is all of the input: nothing can be put behind it.
    assert!(spiffe_id(&[data, &[0]].concat()).is_err());
    assert!(spiffe_id(&data[..data.len() - 1]).is_err());
}
