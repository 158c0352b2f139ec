//! What an operator has drained, by a key of KV.

use super::*;

#[test]
fn a_zone_is_drained_and_brought_back_under_load_without_a_lost_request() {
    let clouds = Clouds::start();
    let gateway = gateway(clouds.config(json!({})), often().source(Source::Kv));
    let kv = gateway.kv();
    let outcome = Load::on(gateway.address(), 10_000)
        .requests(|_| Request::get("/bench"))
        .once(3_000, || {
            kv.put("causeway-drain", r#"{ "zones": ["gcp-eu"] }"#);
            assert!(served_by(&gateway, 0, "green"));
        })
        .once(6_000, || {
            kv.delete("causeway-drain");
            assert!(served_by(&gateway, 0, "blue"));
        })
        .run();
    assert_eq!(outcome.failures(), 0, "{outcome}");
    let by = |outcome: peers::Outcome| outcome.servers();
    assert_eq!(by(outcome.before(3_000))["blue"], 3_000, "{outcome}");
    // Those that were under way when it was drained end as they would.
    let drained = outcome.numbered(3_008..5_900);
    assert_eq!(by(drained)["green"], 2_892, "{outcome}");
    let back = outcome.numbered(6_008..10_000);
    assert_eq!(by(back)["blue"], 3_992, "{outcome}");
}

#[test]
fn an_endpoint_is_drained_by_its_name_and_a_mistake_leaves_things_as_they_are() {
    let clouds = Clouds::start();
    let gateway = gateway(clouds.config(json!({})), often().source(Source::Kv));
    let kv = gateway.kv();
    assert_eq!(server(&gateway, 0), "blue");
    kv.put("causeway-drain", r#"{ "endpoints": ["catalog/blue"] }"#);
    assert!(served_by(&gateway, 0, "green"));
    for (bad, line) in [
        ("{", "service: causeway-drain: it is no JSON object"),
        (
            r#"{ "zone": ["gcp-eu"] }"#,
            "service: causeway-drain: `zone` is no member of it",
        ),
        (
            r#"{ "zones": ["gcp-ue"] }"#,
            "service: causeway-drain: there is no zone `gcp-ue`",
        ),
        (
            r#"{ "zones": ["gcp-eu"], "endpoints": ["catalog/red"] }"#,
            "service: causeway-drain: there is no endpoint `catalog/red`",
        ),
    ] {
        kv.put("causeway-drain", bad);
        looks_again(&gateway, kv);
        assert_eq!(server(&gateway, 0), "green", "{bad}");
        assert!(gateway.logs(line), "{}", gateway.log());
        assert_eq!(gateway.log().matches(line).count(), 1, "told once");
    }
    // What fails leaves things as they are, too.
    kv.put("causeway-drain", "{}");
    kv.fail(true);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(server(&gateway, 0), "green");
    kv.fail(false);
    assert!(served_by(&gateway, 0, "blue"));
}

#[test]
fn a_new_config_keeps_what_is_drained_and_all_drained_is_503() {
    let clouds = Clouds::start();
    let gateway = gateway(clouds.config(json!({})), often().source(Source::Kv));
    let kv = gateway.kv();
    kv.put("causeway-drain", r#"{ "zones": ["gcp-eu"] }"#);
    assert!(served_by(&gateway, 0, "green"));
    let changed = clouds.config(json!({ "timeouts": { "try_ms": 5000 } }));
    kv.put("api-config.json", changed);
    let reads = kv.reads();
    assert!(eventually(PATIENCE, || {
        assert_eq!(server(&gateway, 0), "green");
        kv.reads() >= reads + 6
    }));
    // What names something that there is not yet holds as soon as it is there.
    kv.put(
        "causeway-drain",
        r#"{ "endpoints": ["catalog/green"], "zones": ["azure-eu"] }"#,
    );
    looks_again(&gateway, kv);
    assert!(gateway.logs("there is no zone `azure-eu`"));
    let mut config: Value = serde_json::from_str(&clouds.config(json!({}))).unwrap();
    config["zones"]["azure-eu"] = json!({ "cloud": "azure" });
    kv.put("api-config.json", config.to_string());
    assert!(served_by(&gateway, 0, "blue"));
    kv.put("causeway-drain", r#"{ "zones": ["gcp-eu", "aws-eu"] }"#);
    assert!(served_by(&gateway, 0, "no_endpoint"));
    let answer = gateway.get("/bench");
    assert_problem(&answer, 503, "no_endpoint");
    assert!(answer.header("retry-after").is_some());
}

#[test]
fn a_deployed_config_is_drained_by_kv_as_well() {
    let clouds = Clouds::start();
    let blueprint = causeway::plan::compile(&clouds.config(json!({}))).blueprint;
    let plan = blueprint.unwrap().to_bytes().unwrap();
    for source in [Source::Plan(plan), Source::Variable] {
        let kv = Rc::new(Kv::start());
        kv.put("causeway-drain", r#"{ "zones": ["gcp-eu"] }"#);
        let bound = Rc::clone(&kv);
        let options = often()
            .source(source)
            .with(move |worker| worker.kv("CONFIG", &bound));
        let gateway = gateway(clouds.config(json!({})), options);
        // It is read beside the first request.
        assert!(served_by(&gateway, 0, "green"));
        kv.delete("causeway-drain");
        assert!(served_by(&gateway, 0, "blue"));
    }
}
