//! The tables, and their place in docs/performance.md.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result, bail};

use super::case::{HAND, HELLO, Limit, PASS, PASS_UPLOAD, PROXY, PROXY_TO_HAND, PROXY_TO_PASS};
use super::cold::{Cold, Start};
use super::memory::Memory;
use super::options::Options;
use super::rounds::Measured;
use super::stats::{median, quantile};
use super::workers::From;
use crate::{files, root};

/// All that was measured; what was not is left out of the text.
pub struct Report<'a> {
    pub options: &'a Options,
    pub measured: &'a [Measured],
    pub cold: &'a [Cold],
    pub memory: &'a [Memory],
}

impl Report<'_> {
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let (workerd, machine) = (workerd_version(), machine());
        let command = self.options.command();
        // Writing to a string does not fail.
        let _ = writeln!(text, "`{command}`, workerd {workerd}, {machine}");
        self.load(&mut text);
        self.cold(&mut text);
        self.memory(&mut text);
        text
    }

    fn load(&self, text: &mut String) {
        if self.measured.is_empty() {
            return;
        }
        text.push_str(
            "\n### Under load\n\n\
             | case | CPU us a request | to P | to J | over 10 paths | to hello | requests/s | p50 ms | p99 ms | peak MB | at most | |\n\
             |---|---|---|---|---|---|---|---|---|---|---|---|\n",
        );
        for measured in self.measured {
            let (low, high) = spread(measured);
            let over = self.paired(measured, |[case, pass, _, proxy, _]| (case - proxy) / pass);
            let over = match measured.case.limit {
                Limit::Proxy(_) if measured.case.name != PROXY => signed(over, " P"),
                _ => String::new(),
            };
            let (at_most, verdict) = self.verdict(measured);
            let _ = writeln!(
                text,
                "| {} | {:.0} ({low:.0} to {high:.0}) | {} | {} | {over} | {} | {:.0} | {:.1} | {:.1} | {:.0} | {at_most} | {verdict} |",
                measured.case.title,
                measured.median(|s| s.cpu),
                self.ratio(measured, PASS),
                self.ratio(measured, HAND),
                self.ratio(measured, HELLO),
                measured.median(|s| s.load.per_second),
                measured.median(|s| s.load.p50) / 1e3,
                measured.median(|s| s.load.p99) / 1e3,
                megabytes(measured.peak),
            );
        }
    }

    /// What a case may cost, in words, and whether it does not cost more.
    fn verdict(&self, measured: &Measured) -> (String, &'static str) {
        match measured.case.limit {
            Limit::Yardstick => (String::new(), ""),
            Limit::Proxy(more) => {
                let to_pass = self.paired(measured, |[case, pass, ..]| case / pass);
                let to_hand = self.paired(measured, |[case, pass, hand, ..]| {
                    (case - more * pass) / hand
                });
                let extra = match more {
                    0.0 => String::new(),
                    more => format!(" + {more:.2} P"),
                };
                let at_most = format!(
                    "{:.2} P and {PROXY_TO_HAND:.2} J{extra}",
                    PROXY_TO_PASS + more
                );
                let (pass, hand) = (to_pass <= PROXY_TO_PASS + more, to_hand <= PROXY_TO_HAND);
                let verdict = match (pass, hand) {
                    (true, true) => REACHED,
                    (true, false) => "J not reached",
                    (false, true) => "P not reached",
                    (false, false) => MISSED,
                };
                (at_most, verdict)
            }
            Limit::Upload(most) => {
                let ratios = self.find(PASS_UPLOAD).map_or(f64::NAN, |pass| {
                    median(pairs(measured, pass).map(|(a, b)| a / b))
                });
                (format!("{most:.2} P of uploads"), reached(ratios <= most))
            }
            Limit::Hello(most) => {
                let ratio = self.paired(measured, |[case, .., hello]| case / hello);
                (format!("{most:.1} hello"), reached(ratio <= most))
            }
        }
    }

    fn ratio(&self, measured: &Measured, to: &'static str) -> String {
        let to = match (measured.case.limit, to) {
            (Limit::Upload(_), PASS) => PASS_UPLOAD,
            _ => to,
        };
        if measured.case.name != to
            && !measured.case.yardsticks().contains(&to)
            && !(measured.case.name == HAND && to == PASS)
        {
            return String::new();
        }
        let Some(other) = self.find(to) else {
            return String::new();
        };
        let ratios = pairs(measured, other).map(|(a, b)| a / b);
        format!("{:.2}", median(ratios))
    }

    /// The median over the rounds of what `of` makes of a round's CPU times: of the case, P, J, the gateway with 10
    /// paths, and hello. A worker that was not measured is NaN.
    fn paired(&self, measured: &Measured, of: impl Fn([f64; 5]) -> f64) -> f64 {
        let others = [PASS, HAND, PROXY, HELLO].map(|name| self.find(name));
        let rounds = measured.samples.iter().enumerate().map(|(round, sample)| {
            let [pass, hand, proxy, hello] = others.map(|other| {
                other
                    .and_then(|other| other.samples.get(round))
                    .map_or(f64::NAN, |sample| sample.cpu)
            });
            of([sample.cpu, pass, hand, proxy, hello])
        });
        median(rounds)
    }

    fn find(&self, name: &str) -> Option<&Measured> {
        self.measured.iter().find(|m| m.case.name == name)
    }

    fn cold(&self, text: &mut String) {
        let Some(hello) = self.cold.first() else {
            return;
        };
        let smallest = self
            .cold
            .iter()
            .find(|cold| matches!(cold.start, Start::Gateway { .. }));
        text.push_str(
            "\n### Cold start\n\n\
             | worker | first answer, ms | to hello | over 10 paths bundled, ms | at most | |\n\
             |---|---|---|---|---|---|\n",
        );
        for cold in self.cold {
            let (low, high) = cold.quartiles();
            let over = smallest.map_or(f64::NAN, |smallest| cold.over(smallest));
            let (over_text, at_most, verdict) = match cold.start {
                Start::Script(_) => (String::new(), String::new(), ""),
                Start::Gateway {
                    paths: 10,
                    from: From::Bundle,
                } => {
                    let ratio = cold.to(hello);
                    (
                        String::new(),
                        format!("{COLD_TO_HELLO:.1} hello"),
                        reached(ratio <= COLD_TO_HELLO),
                    )
                }
                Start::Gateway {
                    paths: 10_000,
                    from,
                } => {
                    let most = match from {
                        From::Bundle => READY_BUNDLED_MS,
                        From::Kv | From::KvCompiled => READY_KV_MS,
                    };
                    (
                        signed(over, ""),
                        format!("{most:.0} ms over"),
                        reached(over <= most),
                    )
                }
                Start::Gateway { .. } => (signed(over, ""), String::new(), ""),
            };
            let _ = writeln!(
                text,
                "| {} | {:.1} ({low:.1} to {high:.1}) | {:.2} | {over_text} | {at_most} | {verdict} |",
                cold.start.title(),
                cold.median(),
                cold.to(hello),
            );
        }
    }

    fn memory(&self, text: &mut String) {
        if self.memory.is_empty() {
            return;
        }
        text.push_str(
            "\n### Memory\n\n\
             | gateway | WebAssembly MB | compiled config MB | both MB | process peak MB | at most | |\n\
             |---|---|---|---|---|---|---|\n",
        );
        for memory in self.memory {
            let both = megabytes(memory.wasm + memory.plan);
            let (at_most, verdict) = match memory.paths {
                10_000 => (
                    format!("{WASM_MB:.0} MB of WebAssembly"),
                    reached(megabytes(memory.wasm) <= WASM_MB),
                ),
                100_000 => (
                    format!("{ISOLATE_MB:.0} MB, both"),
                    reached(both <= ISOLATE_MB),
                ),
                _ => (String::new(), ""),
            };
            let start = Start::Gateway {
                paths: memory.paths,
                from: memory.from,
            };
            let _ = writeln!(
                text,
                "| {} | {:.1} | {:.1} | {both:.1} | {:.0} | {at_most} | {verdict} |",
                start.title(),
                megabytes(memory.wasm),
                megabytes(memory.plan),
                megabytes(memory.peak),
            );
        }
    }
}

/// Puts the text between the marks of docs/performance.md.
pub fn write(text: &str) -> Result<()> {
    let path = root().join("docs/performance.md");
    let page =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    files::write_if_changed(&path, between_marks(&page, text)?.as_bytes())
}

fn between_marks(page: &str, text: &str) -> Result<String> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let Some((before, after)) = parts else {
        bail!("docs/performance.md has no `{BEGIN}` and `{END}`");
    };
    Ok(format!("{before}{BEGIN}\n\n{text}\n{END}{after}"))
}

/// `12345` as `12,345`.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn pairs<'m>(a: &'m Measured, b: &'m Measured) -> impl Iterator<Item = (f64, f64)> + 'm {
    let both = a.samples.iter().zip(&b.samples);
    both.map(|(a, b)| (a.cpu, b.cpu))
}

fn spread(measured: &Measured) -> (f64, f64) {
    let at = |part| quantile(measured.samples.iter().map(|s| s.cpu), part);
    (at(0.25), at(0.75))
}

fn signed(value: f64, unit: &str) -> String {
    match unit {
        "" => format!("{value:+.1}"),
        _ => format!("{value:+.2}{unit}"),
    }
}

fn reached(is: bool) -> &'static str {
    if is { REACHED } else { MISSED }
}

/// As the platform's limits count: 1 MB is 1024 x 1024 bytes.
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn workerd_version() -> String {
    let file = root().join("node_modules/workerd/package.json");
    let package: Option<serde_json::Value> = fs::read_to_string(file)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok());
    let version = package.as_ref().and_then(|p| p["version"].as_str());
    version.unwrap_or("of unknown version").to_owned()
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("a processor of unknown model", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let plural = if cores == 1 { "" } else { "s" };
    format!("{model}, {cores} core{plural}")
}

const BEGIN: &str = "<!-- figures: written by `cargo xtask bench --write` -->";
const END: &str = "<!-- end of figures -->";

const REACHED: &str = "reached";
const MISSED: &str = "not reached";

/// First answer of the gateway with 10 paths.
const COLD_TO_HELLO: f64 = 1.5;

/// What 10,000 paths may add to a cold start.
const READY_BUNDLED_MS: f64 = 30.0;
const READY_KV_MS: f64 = 100.0;

/// WebAssembly memory with 10,000 paths.
const WASM_MB: f64 = 40.0;

/// What the platform gives an isolate.
const ISOLATE_MB: f64 = 128.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let page = format!("before {BEGIN} old {END} after");
        let written = between_marks(&page, "new\n").expect("a page with marks");
        assert_eq!(written, format!("before {BEGIN}\n\nnew\n\n{END} after"));
        assert_eq!(between_marks(&written, "new\n").expect("again"), written);
        assert!(between_marks("no marks", "new").is_err());
    }

    #[test]
    fn large_numbers_are_grouped() {
        for (number, expected) in [
            (10, "10"),
            (1_000, "1,000"),
            (123_456, "123,456"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(thousands(number), expected);
        }
    }
}
