//! The example of docs/multi-cloud.md, lived through.

use std::fs;

use causeway::plan::{Text, compile};
use peers::{Gateway, Load, Options, Request, Source, Upstream, workspace};

use crate::support::{PATIENCE, assert_problem, eventually, worker};

/// The example's backends by the ports that it names.
fn start(backends: &[(&str, &Upstream)]) -> Gateway {
    let file = workspace::root().join("examples/multi-cloud.json");
    let mut blueprint = compile(&fs::read_to_string(file).unwrap())
        .blueprint
        .unwrap();
    for endpoint in blueprint.servers.iter_mut().flat_map(|s| &mut s.endpoints) {
        let Text::Literal(url) = &mut endpoint.url else {
            panic!("the example's URLs are written out");
        };
        for (port, upstream) in backends {
            *url = url.replace(&format!("http://127.0.0.1:{port}"), &upstream.url());
        }
    }
    let source = Source::Plan(blueprint.to_bytes().unwrap());
    Gateway::start("", Options::default().folder(worker()).source(source))
}

#[test]
fn the_catalogue_survives_its_cloud_and_europes_data_stays() {
    let gcp = Upstream::cloud("gcp", "gcp");
    let azure = Upstream::cloud("azure", "azure");
    let aws_orders = Upstream::cloud("aws-orders", "aws");
    let azure_orders = Upstream::cloud("azure-orders", "azure");
    let gateway = start(&[
        ("9101", &gcp),
        ("9103", &azure),
        ("9102", &aws_orders),
        ("9104", &azure_orders),
    ]);
    let catalogue = |count| {
        let load = Load::on(gateway.address(), count);
        let outcome = load
            .requests(|n| Request::get(&format!("/catalog/shoes/{n}")))
            .run();
        assert_eq!(outcome.failures(), 0, "{outcome}");
        outcome.servers()
    };
    assert_eq!(catalogue(50)["gcp"], 50);
    gcp.stop();
    assert_eq!(catalogue(200)["azure"], 200, "the copy takes over");
    gcp.start_again();
    assert!(eventually(PATIENCE * 2, || catalogue(20).get("gcp") == Some(&20)));
    // Whoever looks for a fault asks the copy itself.
    let pinned = Request::get("/catalog/x").header("Host", "catalog.azure-eu.api.example.com");
    assert_eq!(gateway.send(&pinned).header("x-server"), Some("azure"));

    azure_orders.stop();
    for _ in 0..5 {
        assert_problem(&gateway.get("/eu/orders/1"), 502, "upstream_unreachable");
        assert_eq!(
            gateway.get("/orders/1").header("x-server"),
            Some("aws-orders")
        );
    }
}
