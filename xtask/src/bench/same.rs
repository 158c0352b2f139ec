//! Makes sure that the worker by hand does the gateway's work: an unequal comparison would say nothing.

use anyhow::{Result, bail};
use peers::wire::Head;
use peers::{Client, Upstream};

use super::case::Runs;
use super::workers::{self, Bench, Running};
use super::workload::Work;

/// An error unless the upstream and the client see the same fields of both.
pub fn check(bench: &Bench) -> Result<()> {
    let upstream = Upstream::start();
    let work = Work::proxy(10);
    // One path alone is what the worker by hand has.
    let Some(request) = bench.requests(Runs::Gateway(work)).into_iter().next() else {
        bail!("nothing is asked for");
    };
    let hand = seen(
        &workers::script("hand.mjs", &upstream.url())?,
        &upstream,
        &request,
    )?;
    let gateway = seen(
        &bench.gateway_before(&upstream.url(), work)?,
        &upstream,
        &request,
    )?;
    if hand != gateway {
        bail!("the worker by hand and the gateway do different work:\n{hand:#?}\n{gateway:#?}");
    }
    Ok(())
}

/// The request as it reached the upstream, and the answer's fields.
fn seen(worker: &Running, upstream: &Upstream, request: &str) -> Result<[Vec<String>; 2]> {
    let mut client = Client::connect(worker.workerd().address());
    client.send(request.as_bytes());
    let answer = client.answer("GET")?;
    let sent = upstream.last();
    Ok([fields(&sent.head), fields(&answer.head)])
}

/// The first line and the fields in the order of their names, but for what differs between any two requests.
fn fields(head: &Head) -> Vec<String> {
    let mut lines: Vec<String> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .map(|(name, value)| match name.as_str() {
            "content-length" | "date" | "x-request-id" => name,
            _ => format!("{name}: {value}"),
        })
        .collect();
    lines.sort();
    lines.insert(0, head.line.clone());
    lines
}
