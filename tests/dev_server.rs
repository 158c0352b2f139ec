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
    let output = Command::new(bin.join("wrangler"))
        .args(["deploy", "--dry-run", "--outdir"])
        .arg(&out)
        .current_dir(xtask::root())
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
        .expect("wrangler runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stdout)
    );

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

    let saved = Instant::now();
    // As editors save: a new file in the old one's place.
    let beside = scratch.0.join("my config.json.new");
    fs::write(&beside, changed("fixed")).unwrap();
    fs::rename(&beside, &file).unwrap();
    let taken = eventually(TAKE_OVER, || says(&server, "fixed"));
    assert!(taken, "{}", server.said());
    println!("a mended config served after {:?}", saved.elapsed());

    server.stop();
    for port in ports.iter().chain([&server.port]) {
        let freed = eventually(Duration::from_secs(10), || {
            TcpListener::bind(("127.0.0.1", *port)).is_ok()
        });
        assert!(freed, "port {port} is still held after the end");
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
