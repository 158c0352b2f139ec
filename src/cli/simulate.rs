//! `causeway simulate`: what a scenario does to a server of a config, and what the gateway makes of it.

use std::cell::RefCell;
use std::path::Path;

use causeway::config::draw;
use causeway::plan::compile;
use causeway::simulate::{Rest, Tally, Target, read as read_scenario, run};
use serde_json::{Value, json};

use super::{Failure, Format, Outcome, read};

pub fn simulate(
    file: &Path,
    config: &Path,
    server: &str,
    format: Format,
    color: bool,
) -> Result<Outcome, Failure> {
    let (text, config_text) = (read(file)?, read(config)?);
    let compiled = compile(&config_text);
    let blueprint = match compiled.blueprint {
        Some(blueprint) if !compiled.diagnostics.has_errors() => blueprint,
        _ => {
            let name = config.display().to_string();
            let drawn = draw(&compiled.diagnostics, &name, &config_text, color);
            return Ok(refused(drawn));
        }
    };
    let Some(target) = Target::of(&blueprint, server) else {
        let message = format!("{} has no server `{server}`", config.display());
        return Err(Failure(message));
    };
    let (scenario, diagnostics) = read_scenario(&text, &target);
    let mut drawn = draw(&diagnostics, &file.display().to_string(), &text, color);
    let Some(scenario) = scenario else {
        return Ok(refused(drawn));
    };
    let tally = RefCell::new(Tally::new(&target));
    let rest = run(&target, &scenario, &|served| {
        tally.borrow_mut().add(&target, &served);
    });
    let report = Report {
        server,
        target: &target,
        tally: &tally.into_inner(),
        rest: &rest,
    };
    let text = match format {
        Format::Human => {
            if !drawn.is_empty() {
                drawn.push_str("\n\n");
            }
            drawn + &report.human()
        }
        Format::Json => format!("{:#}\n", report.json()),
    };
    Ok(Outcome { text, good: true })
}

fn refused(drawn: String) -> Outcome {
    Outcome {
        text: format!("{drawn}\n"),
        good: false,
    }
}

struct Report<'a> {
    server: &'a str,
    target: &'a Target,
    tally: &'a Tally,
    rest: &'a Rest,
}

impl Report<'_> {
    fn human(&self) -> String {
        let Tally {
            requests,
            tries,
            retries,
            hedges,
            cancelled,
            ..
        } = *self.tally;
        let mut lines = Vec::new();
        let mut line = |title: &str, text: String| lines.push(format!("{title:<14}{text}"));
        line("server", self.server.to_owned());
        line(
            "requests",
            format!("{requests} in {:.1} s", self.elapsed_s()),
        );
        let (good, repeatable) = self.success();
        line("success", format!("{} of all requests", percent(good)));
        if let Some(repeatable) = repeatable {
            let share = percent(repeatable);
            line("", format!("{share} of those that may be repeated"));
        }
        let statuses = self.tally.statuses.iter();
        let statuses = statuses.map(|(status, count)| format!("{status}: {count}"));
        line("statuses", statuses.collect::<Vec<_>>().join(", "));
        line(
            "unserved",
            format!("{} times no endpoint: 503", self.tally.refused),
        );
        let ms = self.tally.percentiles();
        line(
            "latency",
            format!(
                "p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, longest {:.1} ms",
                ms.p50, ms.p99, ms.p999, ms.max
            ),
        );
        line(
            "tries",
            format!(
                "{:.4} for a request: {retries} retries, {hedges} hedges; {cancelled} cancelled",
                ratio(tries, requests)
            ),
        );
        line("ejections", self.tally.ejections.to_string());
        if self.target.spec.canary.is_some() {
            line("canary", format!("held {} times", self.tally.held));
        }
        if self.tally.homed > 0 {
            let away = ratio(self.tally.away, self.tally.homed);
            line(
                "away",
                format!("{} answered by another zone than home", percent(away)),
            );
        }
        for zone in self.tally.zones(self.target) {
            let share = percent(ratio(zone.answers, requests));
            line(
                "zone",
                format!(
                    "{}: {share} of the answers, {} tries",
                    zone.name, zone.tries
                ),
            );
        }
        let endpoints = self.target.endpoints.iter().zip(&self.tally.endpoints);
        for ((endpoint, told), peak) in endpoints.zip(&self.rest.peaks) {
            let share = percent(ratio(told.answers, requests));
            line(
                "endpoint",
                format!(
                    "{}: {share} of the answers, {} tries, {} ejections, {peak} at once at most",
                    endpoint.name, told.tries, told.ejections
                ),
            );
        }
        self.timeline(&mut line);
        if self.rest.hanging > 0 {
            line("hanging", self.rest.hanging.to_string());
        }
        lines.join("\n") + "\n"
    }

    /// When what happened.
    fn timeline(&self, line: &mut impl FnMut(&str, String)) {
        let name = |endpoint: usize| self.target.endpoints.get(endpoint).map_or("", |e| &e.name);
        for (index, one) in self.tally.timeline.moves().iter().enumerate() {
            let back = one
                .back_s
                .map_or_else(|| "on".to_owned(), |back| format!("to {back} s"));
            let title = if index == 0 { "moved" } else { "" };
            let (endpoint, away) = (name(one.endpoint), one.away_s);
            line(title, format!("away from {endpoint} from {away} s {back}"));
        }
        let shown = self.target.endpoints.len().min(COLUMNS);
        let names = self.target.endpoints.iter().take(shown);
        let names = names.map(|endpoint| format!("{:>6}", endpoint.name));
        let names = names.collect::<Vec<_>>().join("  ");
        line(
            "time line",
            format!("{:>7}  {:>8}  {names}", "from", "failed"),
        );
        for row in self.tally.timeline.rows().1 {
            let failed = ratio_of(row.failed, row.requests) * 100.0;
            let shares = self.target.endpoints.iter().take(shown).enumerate();
            let shares = shares.map(|(index, endpoint)| {
                let width = endpoint.name.chars().count().max(6).saturating_sub(2);
                format!("{:>width$.0} %", row.share(index) * 100.0)
            });
            let shares = shares.collect::<Vec<_>>().join("  ");
            line(
                "",
                format!("{:>5} s  {failed:>6.1} %  {shares}", row.from_s),
            );
        }
    }

    fn json(&self) -> Value {
        let tally = self.tally;
        let (length, rows) = tally.timeline.rows();
        let rows = rows.iter().map(|row| {
            json!({ "from_s": row.from_s, "requests": row.requests, "failed": row.failed, "answers": row.answers })
        });
        let moves = tally.timeline.moves().into_iter().map(|one| {
            let endpoint = self.target.endpoints.get(one.endpoint).map(|e| &e.name);
            json!({ "endpoint": endpoint, "away_s": one.away_s, "back_s": one.back_s })
        });
        let (good, repeatable) = self.success();
        let ms = tally.percentiles();
        let statuses = tally.statuses.iter();
        let statuses = statuses.map(|(status, count)| (status.to_string(), json!(count)));
        let zones = tally.zones(self.target).into_iter().map(|zone| {
            let share = rounded(ratio(zone.answers, tally.requests));
            json!({ "zone": zone.name, "answers": zone.answers, "share": share, "tries": zone.tries })
        });
        let endpoints = self.target.endpoints.iter().zip(&tally.endpoints);
        let endpoints =
            endpoints
                .zip(&self.rest.peaks)
                .enumerate()
                .map(|(index, ((endpoint, told), peak))| {
                    json!({
                        "endpoint": endpoint.name,
                        "zone": self.target.zone(index).map(|zone| &zone.name),
                        "answers": told.answers,
                        "share": rounded(ratio(told.answers, tally.requests)),
                        "tries": told.tries,
                        "ejections": told.ejections,
                        "most_at_once": peak,
                    })
                });
        json!({
            "server": self.server,
            "requests": tally.requests,
            "seconds": self.elapsed_s(),
            "success": { "all": rounded(good), "repeatable": repeatable.map(rounded) },
            "statuses": statuses.collect::<serde_json::Map<_, _>>(),
            "no_endpoint": tally.refused,
            "latency_ms": { "p50": ms.p50, "p99": ms.p99, "p99_9": ms.p999, "max": ms.max },
            "tries": tally.tries,
            "tries_per_request": rounded(ratio(tally.tries, tally.requests)),
            "retries": tally.retries,
            "hedges": tally.hedges,
            "cancelled": tally.cancelled,
            "ejections": tally.ejections,
            "canary_held": tally.held,
            "away_from_home": tally.away,
            "zones": zones.collect::<Vec<_>>(),
            "endpoints": endpoints.collect::<Vec<_>>(),
            "hanging": self.rest.hanging,
            "moves": moves.collect::<Vec<_>>(),
            "timeline": { "seconds": length, "rows": rows.collect::<Vec<_>>() },
        })
    }

    /// Of all requests, and of those that may be repeated, if there are any.
    fn success(&self) -> (f64, Option<f64>) {
        let tally = self.tally;
        let repeatable = ratio(tally.good_idempotent, tally.idempotent);
        (
            ratio(tally.good, tally.requests),
            (tally.idempotent > 0).then_some(repeatable),
        )
    }

    fn elapsed_s(&self) -> f64 {
        self.rest.elapsed_us as f64 / 1e6
    }
}

/// More endpoints than these would not fit into a line; the JSON has all.
const COLUMNS: usize = 8;

fn ratio_of(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// 1 where there is nothing to compare with.
fn ratio(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 1.0,
        _ => part as f64 / whole as f64,
    }
}

fn percent(share: f64) -> String {
    format!("{:.3} %", share * 100.0)
}

fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}
