//! The fuzz targets over their committed seeds and mutations of them: the same on every run.

#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]

use std::fs;
use std::path::PathBuf;

use peers::workspace;

// As they stand in the fuzz crate, which needs a nightly compiler.
#[path = "../fuzz/src/aws.rs"]
mod aws;
#[path = "../fuzz/src/certificate.rs"]
mod certificate;
#[path = "../fuzz/src/config.rs"]
mod config;
#[path = "../fuzz/src/expression.rs"]
mod expression;
#[path = "../fuzz/src/headers.rs"]
mod headers;
#[path = "../fuzz/src/identity.rs"]
mod identity;
#[path = "../fuzz/src/login.rs"]
mod login;
#[path = "../fuzz/src/mirror.rs"]
mod mirror;
#[path = "../fuzz/src/path.rs"]
mod path;
#[path = "../fuzz/src/signature.rs"]
mod signature;
#[path = "../fuzz/src/token.rs"]
mod token;

/// Mutations of each seed.
const ROUNDS: u32 = 200;

#[test]
fn signatures_of_aws_hold() {
    smoke(aws::check, &["fuzz/seeds/aws"], ROUNDS);
}

#[test]
fn keys_and_answers_for_the_gateways_identity_hold() {
    smoke(identity::check, &["fuzz/seeds/identity"], ROUNDS);
}

#[test]
fn certificates_hold() {
    smoke(certificate::check, &["fuzz/seeds/certificate"], ROUNDS);
}

#[test]
fn configs_hold() {
    smoke(
        config::check,
        &["fuzz/seeds/config", "tests/diagnostics"],
        20,
    );
}

#[test]
fn expressions_hold() {
    smoke(expression::check, &["fuzz/seeds/expression"], ROUNDS);
}

#[test]
fn headers_hold() {
    smoke(headers::check, &["fuzz/seeds/headers"], ROUNDS);
}

#[test]
fn logins_hold() {
    smoke(login::check, &["fuzz/seeds/login"], ROUNDS);
}

#[test]
fn mirrors_hold() {
    smoke(mirror::check, &["fuzz/seeds/mirror"], ROUNDS);
}

#[test]
fn paths_hold() {
    smoke(path::check, &["fuzz/seeds/path"], ROUNDS);
}

#[test]
fn signatures_hold() {
    smoke(signature::check, &["fuzz/seeds/signature"], ROUNDS);
}

#[test]
fn tokens_hold() {
    smoke(token::check, &["fuzz/seeds/token"], ROUNDS);
}

fn smoke(check: fn(&[u8]), folders: &[&str], rounds: u32) {
    let root = workspace::root();
    let mut seeds: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none_or(|e| e != "txt"))
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty());
    let mut random = Random(1);
    for seed in seeds {
        let seed = fs::read(seed).unwrap();
        check(&seed);
        for _ in 0..rounds {
            check(&random.mutated(&seed));
        }
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % (limit.max(1) as u64)) as usize
    }

    /// A few bytes changed, taken out, or brought in from elsewhere in the seed.
    fn mutated(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            let end = bytes.len().min(at + self.below(9));
            match self.below(4) {
                0 if at < bytes.len() => bytes[at] = self.below(256) as u8,
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let from = self.below(seed.len());
                    let to = seed.len().min(from + self.below(17));
                    bytes.splice(at..at, seed[from..to].iter().copied());
                }
                _ => bytes.insert(at, b"/%.;{}\"\\ \n\0"[self.below(11)]),
            }
        }
        bytes
    }
}
