use super::*;
use crate::edits::Edit;
use crate::host::memory::{MemoryHost, run};
use crate::plan::{BasicIdentity, HeaderIdentity};

fn proven(identity: &Identity, edits: &mut Edits) {
    let host = MemoryHost::new(0, &[]);
    let outgoing = Outgoing {
        method: "GET",
        url: &mut "https://up.test/x".to_owned(),
        body: Body::None,
    };
    run(identity.prove(&host, outgoing, edits)).unwrap();
}

#[test]
fn a_fixed_proof_takes_the_place_of_all_that_was_there() {
    for (kind, name, value) in [
        (
            IdentityKind::Header(HeaderIdentity {
                name: "x-api-key".into(),
                prefix: String::new(),
                secret: "k1".into(),
            }),
            "x-api-key",
            "k1",
        ),
        (
            IdentityKind::Header(HeaderIdentity {
                name: "authorization".into(),
                prefix: "Bearer ".into(),
                secret: "t1".into(),
            }),
            "authorization",
            "Bearer t1",
        ),
        // RFC 7617 section 2.
        (
            IdentityKind::Basic(BasicIdentity {
                username: "Aladdin".into(),
                password: Some("open sesame".into()),
            }),
            "authorization",
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ),
        (
            IdentityKind::Basic(BasicIdentity {
                username: "sk_test".into(),
                password: None,
            }),
            "authorization",
            "Basic c2tfdGVzdDo=",
        ),
    ] {
        let identity = Identity::new(kind, None).unwrap();
        let mut edits = Edits::default();
        edits.append(name, "somebody else's");
        proven(&identity, &mut edits);
        assert_eq!(edits.iter().last(), Some(Edit::Set(name, value)));
    }
}

#[test]
fn a_secret_that_cannot_be_shown_closes_the_server() {
    let header = |prefix: &str, secret: &str| {
        IdentityKind::Header(HeaderIdentity {
            name: "x-key".into(),
            prefix: prefix.into(),
            secret: secret.into(),
        })
    };
    let basic = |username: &str, password: &str| {
        IdentityKind::Basic(BasicIdentity {
            username: username.into(),
            password: Some(password.into()),
        })
    };
    for kind in [
        header("", "a\nb"),
        header("", "a\n"),
        header("", " a"),
        header("Bearer ", "a "),
        basic("a:b", "c"),
        basic("a", "c\n"),
        basic("a\0", "c"),
    ] {
        let fault = Identity::new(kind.clone(), None).err();
        assert!(fault.is_some(), "{kind:?}");
    }
}
