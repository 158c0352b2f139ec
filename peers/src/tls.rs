//! TLS with certificates of tests: a peer that asks for the client's, and what a client shows it.
//!
//! The certificates in `peers/certificates` are valid from 2020 to 2120. The server's names are `upstream.test`,
//! `localhost` and 127.0.0.1. The authority's key was thrown away.

use std::net::SocketAddr;

use crate::workerd::Workerd;

/// A certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub struct Keypair {
    pub certificate: String,
    pub key: String,
}

/// One side of a TLS connection.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    pub keypair: Option<Keypair>,
    /// Authorities whose certificates are taken.
    pub trusted: Vec<String>,
    /// For a server: a client without a certificate of a trusted authority is sent away.
    pub require_client: bool,
}

/// Takes TLS off in front of a backend. It stops when dropped.
pub struct Terminator {
    workerd: Workerd,
}

/// The authority that signed the certificates of tests.
pub fn authority() -> String {
    include_str!("../certificates/authority.pem").to_owned()
}

/// A certificate for `upstream.test` and `localhost`.
pub fn server() -> Keypair {
    Keypair {
        certificate: include_str!("../certificates/server.pem").to_owned(),
        key: include_str!("../certificates/server.key").to_owned(),
    }
}

/// A certificate that a [`Terminator::mutual`] takes.
pub fn client() -> Keypair {
    Keypair {
        certificate: include_str!("../certificates/client.pem").to_owned(),
        key: include_str!("../certificates/client.key").to_owned(),
    }
}

impl Tls {
    /// A client that trusts the authority of tests and shows no certificate.
    pub fn anonymous() -> Tls {
        Tls {
            trusted: vec![authority()],
            ..Tls::default()
        }
    }

    /// A client with the certificate of tests.
    pub fn client() -> Tls {
        Tls {
            keypair: Some(client()),
            ..Tls::anonymous()
        }
    }
}

impl Terminator {
    /// In front of the backend at an address, for any client.
    pub fn start(to: SocketAddr) -> Terminator {
        Terminator::with(to, false)
    }

    /// The same for clients with a certificate alone.
    pub fn mutual(to: SocketAddr) -> Terminator {
        Terminator::with(to, true)
    }

    pub fn address(&self) -> SocketAddr {
        self.workerd.address()
    }

    /// `https://localhost:PORT`
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address().port())
    }

    fn with(to: SocketAddr, require_client: bool) -> Terminator {
        let tls = Tls {
            keypair: Some(server()),
            trusted: vec![authority()],
            require_client,
        };
        Terminator {
            workerd: Workerd::terminator(&tls, to),
        }
    }
}
