//! The tools around the gateway: what `wrangler deploy` would ship, and the local server that follows its config.

#![cfg(test)]
#![allow(clippy::disallowed_methods, reason = "tests live in real time")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use peers::{Answer, Request, Worker, npm};
use serde_json::json;
use support::{assert_problem, eventually, tokens};

/// Both tests write the folder that wrangler bundles from.
static BUILD_FOLDER: Mutex<()> = Mutex::new(());

/// wrangler has to start, and on a loaded machine that takes a while.
const START: Duration = Duration::from_secs(240);

/// From saving a config until the gateway answers by it. On an idle machine it is one to two seconds.
const TAKE_OVER: Duration = Duration::from_secs(10);

#[test]
fn what_would_be_deployed_is_complete_and_starts() {
    let _alone = BUILD_FOLDER.lock().unwrap_or_else(|e| e.into_inner());
    let scratch = Scratch::new("deploy");
    let out = scratch.0.join("bundle");
    npm::ensure().unwrap();
    let bin = npm::bin();
    let path = std::env::var("PATH").unwrap_or_default();
    let run = |program: &Path, arguments: &[&str], folder: &Path| {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("WRANGLER_SEND_METRICS", "false")
            .env("WRANGLER_HIDE_BANNER", "true")
            .env("WRANGLER_LOG_PATH", scratch.0.join("logs"))
            // Whatever asks the network for something fails.
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .env("HTTP_PROXY", "http://127.0.0.1:9")
            .env("CARGO_NET_OFFLINE", "true")
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{said}\n{}",
            String::from_utf8_lossy(&output.stdout)
        );
    };
    // As one job of CI makes it, and as another one ships it.
    let bundled = scratch.0.join("bundled");
    let bundled_text = bundled.to_str().unwrap();
    run(
        &xtask::root().join(".ci/bundle"),
        &[bundled_text],
        xtask::root(),
    );
    let settings = fs::read_to_string(bundled.join("wrangler.toml")).unwrap();
    assert!(
        !settings.contains("cargo"),
        "a deployment builds: {settings}"
    );
    let ship = [
        "deploy",
        "--config",
        "wrangler.toml",
        "--dry-run",
        "--outdir",
    ];
    let ship = [&ship[..], &[out.to_str().unwrap()]].concat();
    run(&bin.join("wrangler"), &ship, &bundled);

    let names: Vec<String> = fs::read_dir(&out)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    let one = |end: &str| {
        let found: Vec<&String> = names.iter().filter(|name| name.ends_with(end)).collect();
        assert_eq!(found.len(), 1, "one {end} in {names:?}");
        found[0].clone()
    };
    let (script, wasm, plan) = (one(".js"), one(".wasm"), one("plan.bin"));
    let mut worker = Worker::new();
    for name in [&script, &wasm, &plan] {
        worker = worker.file(name, &out.join(name));
    }
    let running = worker.text("JWT_SECRET", tokens::SECRET).start();
    let health = Request::get("/health").send(running.address());
    assert_eq!(health.status, 200, "{}", running.log());
    assert_eq!(health.json(), json!({ "status": "ok" }));
    let orders = Request::get("/orders/5").send(running.address());
    assert_problem(&orders, 401, "AUTH_ERROR");
}

#[test]
fn the_local_server_serves_the_config_and_follows_it() {
    let _alone = BUILD_FOLDER.lock().unwrap_or_else(|e| e.into_inner());
    let scratch = Scratch::new("dev");
    let file = scratch.0.join("my config.json");
    // A copy of the config that comes with the project, on ports that are free here.
    let written = fs::read_to_string(xtask::root().join("api-config.json")).unwrap();
    let ports: [u16; 3] = [(); 3].map(|()| free_port());
    let mut config = written;
    for (usual, port) in ["9101", "9102", "9103"].iter().zip(ports) {
        config = config.replace(&format!("127.0.0.1:{usual}"), &format!("127.0.0.1:{port}"));
    }
    fs::write(&file, &config).unwrap();

    let mut server = DevServer::start(&file);
    let health = server.ready();
    assert_eq!(health.json(), json!({ "status": "ok" }));
    let shoes = server.get("/catalog/shoes/42").expect("an answer");
    assert_eq!(shoes.status, 200, "{}", shoes.text());
    let told = shoes.json();
    assert_eq!(told["server"], "catalog");
    assert_eq!(told["target"], "/shoes/42");
    assert_problem(&server.get("/orders/5").unwrap(), 401, "AUTH_ERROR");

    let changed =
        |word: &str| config.replace(r#""status": "ok""#, &format!(r#""status": "{word}""#));
    let says = |server: &DevServer, word: &str| {
        let answer = server.get("/health").filter(|a| a.status == 200);
        answer.is_some_and(|a| a.json()["status"] == *word)
    };
    assert_ne!(changed("second"), config);
    let saved = Instant::now();
    fs::write(&file, changed("second")).unwrap();
    let taken = eventually(TAKE_OVER, || says(&server, "second"));
    assert!(taken, "{}", server.said());
    println!("a changed config served after {:?}", saved.elapsed());

    let mistaken = changed("third").replace(r#""path": "/health""#, r#""pth": "/health""#);
    let line = 1 + mistaken[..mistaken.find("\"pth\"").unwrap()]
        .matches('\n')
        .count();
    let column = mistaken
        .lines()
        .nth(line - 1)
        .unwrap()
        .find("\"pth\"")
        .unwrap()
        + 1;
    let place = format!("my config.json:{line}:{column}");
    fs::write(&file, &mistaken).unwrap();
    let told = eventually(TAKE_OVER, || {
        assert!(says(&server, "second"), "{}", server.said());
        server.said().contains(&place)
    });
    assert!(told, "`{place}` in {}", server.said());
    // The old one keeps serving.
    for _ in 0..10 {
        assert!(says(&server, "second"), "{}", server.said());
        thread::sleep(Duration::from_millis(100));
    }
    let said = server.said();
    let after = &said[said.find(&place).unwrap()..];
    assert!(
        after.contains("The last good build keeps serving."),
        "{said}"
    );
    assert!(!after.contains("updated and ready"), "{said}");
    assert!(!said.contains("budget"), "{said}");

    let saved = Instant::now();
    // As editors save: a new file in the old one's place.
    let beside = scratch.0.join("my config.json.new");
    fs::write(&beside, changed("fixed")).unwrap();
    fs::rename(&beside, &file).unwrap();
    let taken = eventually(TAKE_OVER, || says(&server, "fixed"));
    assert!(taken, "{}", server.said());
    println!("a mended config served after {:?}", saved.elapsed());
    let updated = eventually(TAKE_OVER, || {
        let said = server.said();
        said[said.rfind(&place).unwrap()..].contains("updated and ready")
    });
    assert!(updated, "{}", server.said());

    // An outage: a stand-in is stopped, and started again as it is told.
    let catalog = || server.get("/catalog/shoes/42").expect("an answer").status;
    assert_eq!(catalog(), 200);
    let said = server.said();
    let place = format!(
        "The server `catalog` is stood in for on 127.0.0.1:{} by process ",
        ports[0]
    );
    let process = said
        .split(&place)
        .nth(1)
        .and_then(|rest| rest.lines().next());
    let process = process.unwrap_or_else(|| panic!("`{place}` in {said}"));
    Command::new("kill").arg(process).status().unwrap();
    let told = eventually(TAKE_OVER, || server.said().contains("A stand-in has ended"));
    assert!(told, "{}", server.said());
    assert_eq!(catalog(), 502);
    assert!(says(&server, "fixed"), "{}", server.said());
    let said = server.said();
    let again = said.split("To have it back:").nth(1).unwrap().trim();
    let again = again.lines().next().unwrap();
    let mut again = Command::new("sh")
        .args(["-c", &format!("exec {again}")])
        .spawn()
        .unwrap();
    let back = eventually(TAKE_OVER, || catalog() == 200);
    again.kill().ok();
    again.wait().ok();
    assert!(back, "{}", server.said());

    server.stop();
    for port in ports.iter().chain([&server.port]) {
        let freed = eventually(Duration::from_secs(10), || {
            TcpListener::bind(("127.0.0.1", *port)).is_ok()
        });
        assert!(freed, "port {port} is still held after the end");
    }
}

#[test]
fn a_first_start_shows_its_progress() {
    let output = Command::new("cargo")
        .args(["xtask", "help"])
        .current_dir(xtask::root())
        .env_remove("CARGO_TERM_QUIET")
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Finished"), "cargo is quiet: {said}");
}

#[test]
fn a_mistake_of_the_config_is_told_before_anything_is_installed_or_built() {
    let program = xtask::build_program("xtask", "xtask").expect("xtask builds");
    let scratch = Scratch::new("mistake");
    let file = scratch.0.join("mistaken.json");
    fs::write(&file, r#"{ "servers": [], "pths": [] }"#).unwrap();
    let port = free_port().to_string();
    for arguments in [
        &["build", "--dev"][..],
        &["build"],
        &["dev", "--port", &port],
    ] {
        let output = Command::new(&program)
            .args(arguments)
            .env("CAUSEWAY_CONFIG", &file)
            // Neither npm nor a compiler is found.
            .env("PATH", &scratch.0)
            .env("CARGO", scratch.0.join("cargo"))
            .env("RUSTC", scratch.0.join("rustc"))
            .output()
            .expect("xtask runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(said.contains("mistaken.json:1:18"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_copied_checkout_builds_its_own_config() {
    let scratch = Scratch::new("copy");
    let root = xtask::root();
    copy(root, &scratch.0);
    let config = fs::read_to_string(root.join("api-config.json")).unwrap();
    let edited = config.replace(r#""status": "ok""#, r#""status": "copied""#);
    assert_ne!(edited, config);
    fs::write(scratch.0.join("api-config.json"), &edited).unwrap();
    let built = root.join("build/plan.bin");
    let before = fs::read(&built).ok();
    // With what the original has compiled: for cargo it is fresh, as in a copy of it.
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let output = Command::new("cargo")
        .args(["xtask", "build", "--dev"])
        .current_dir(&scratch.0)
        .env_remove("CAUSEWAY_CONFIG")
        .env(
            "CARGO_TARGET_DIR",
            target.unwrap_or_else(|| root.join("target")),
        )
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let plan = fs::read(scratch.0.join("build/plan.bin")).expect("the copy's plan");
    let expected = causeway::plan::compile(&edited).blueprint.unwrap();
    assert!(
        plan == expected.to_bytes().unwrap(),
        "the copy's config is in the copy's build"
    );
    assert_eq!(fs::read(&built).ok(), before, "the original is left alone");
}

/// The files of a checkout with their times, but not what was made of them.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (name, target) = (entry.file_name(), to.join(entry.file_name()));
        let made = ["target", "build", "node_modules", ".git", ".wrangler"];
        if made.iter().any(|made| name == *made) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            // Others may come and go meanwhile, such as another test's settings.
            let Ok(_) = fs::copy(entry.path(), &target) else {
                continue;
            };
            let modified = entry.metadata().and_then(|known| known.modified()).unwrap();
            let file = fs::File::options().write(true).open(&target).unwrap();
            file.set_modified(modified).unwrap();
        }
    }
}

/// `cargo xtask dev`. All that it started ends with it.
struct DevServer {
    child: Child,
    port: u16,
    said: Arc<Mutex<String>>,
}

impl DevServer {
    fn start(config: &Path) -> DevServer {
        // Built before the clock runs.
        let program = xtask::build_program("xtask", "xtask").expect("xtask builds");
        xtask::build(xtask::Profile::Dev, xtask::Compiler::LeftOut).expect("the worker builds");
        let port = free_port();
        let mut child = Command::new(program)
            .args(["dev", "--port", &port.to_string()])
            .args(["--inspector-port", &free_port().to_string()])
            .env("CAUSEWAY_CONFIG", config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("xtask runs");
        let said = Arc::new(Mutex::new(String::new()));
        follow(child.stdout.take().unwrap(), Arc::clone(&said));
        follow(child.stderr.take().unwrap(), Arc::clone(&said));
        DevServer { child, port, said }
    }

    /// Waits until it says that it is ready; what the first request after that is answered.
    fn ready(&mut self) -> Answer {
        let ready = eventually(START, || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {}", self.said());
            self.said().contains("The gateway is ready")
        });
        assert!(ready, "it did not become ready: {}", self.said());
        let command = format!("curl -i http://127.0.0.1:{}/health", self.port);
        assert!(self.said().contains(&command), "{}", self.said());
        self.get("/health").expect("an answer to the first request")
    }

    fn get(&self, target: &str) -> Option<Answer> {
        let address = ([127, 0, 0, 1], self.port).into();
        Request::get(target).try_send(address).ok()
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// As Ctrl-C does it.
    fn stop(&mut self) {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-INT", &id]).status().ok();
        let ended = eventually(Duration::from_secs(15), || {
            !matches!(self.child.try_wait(), Ok(None))
        });
        if !ended {
            self.child.kill().ok();
        }
        self.child.wait().ok();
    }
}

impl Drop for DevServer {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

/// A folder that is gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let folder = std::env::temp_dir().join(format!("causeway-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Scratch(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn follow(from: impl Read + Send + 'static, said: Arc<Mutex<String>>) {
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut said = said.lock().unwrap();
            said.push_str(&line);
            said.push('\n');
        }
    });
}
