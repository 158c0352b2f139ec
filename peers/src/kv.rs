//! What stands behind a KV binding: workerd turns each call into an HTTP request to a service, and this is one.
//!
//! Understood are get, put, delete and list; metadata and expiry are not kept.

use std::collections::BTreeMap;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use crate::wire::{Body, Wire};

/// A namespace in memory. It stops when dropped.
pub struct Kv {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    values: Mutex<BTreeMap<String, Vec<u8>>>,
    reads: AtomicUsize,
    /// Every request is answered with 500.
    failing: AtomicBool,
    /// No request is answered.
    silent: AtomicBool,
    stopping: AtomicBool,
    connections: Mutex<Vec<TcpStream>>,
}

impl Kv {
    pub fn start() -> Kv {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State::default());
        let accepting = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.stopping.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                if let Ok(copy) = stream.try_clone() {
                    accepting.connections.lock().expect("no poison").push(copy);
                }
                let state = Arc::clone(&accepting);
                std::thread::spawn(move || state.connection(stream));
            }
        });
        Kv { address, state }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn put(&self, key: &str, value: impl Into<Vec<u8>>) {
        self.state.lock().insert(key.to_owned(), value.into());
    }

    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.state.lock().get(key).cloned()
    }

    pub fn delete(&self, key: &str) {
        self.state.lock().remove(key);
    }

    /// How often a value was asked for.
    pub fn reads(&self) -> usize {
        self.state.reads.load(Ordering::SeqCst)
    }

    /// From now on every call fails, or works again.
    pub fn fail(&self, failing: bool) {
        self.state.failing.store(failing, Ordering::SeqCst);
    }

    /// From now on no call is answered, or all are again.
    pub fn silence(&self, silent: bool) {
        self.state.silent.store(silent, Ordering::SeqCst);
    }
}

impl Drop for Kv {
    fn drop(&mut self) {
        self.state.stopping.store(true, Ordering::SeqCst);
        TcpStream::connect(self.address).ok();
        for stream in self.state.connections.lock().expect("no poison").iter() {
            stream.shutdown(Shutdown::Both).ok();
        }
    }
}

impl State {
    fn connection(&self, stream: TcpStream) {
        let mut wire = Wire::new(stream);
        while let Ok(Some(head)) = wire.head() {
            let mut framing = head.framing().unwrap_or(Body::Done);
            let mut body = Vec::new();
            while let Ok(Some(piece)) = wire.piece(&mut framing, &mut Vec::new()) {
                body.extend(piece);
            }
            while self.silent.load(Ordering::SeqCst) && !self.stopping.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(25));
            }
            let (status, answer) = self.call(head.word(0), head.word(1), body);
            let mut bytes = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n",
                answer.len()
            )
            .into_bytes();
            bytes.extend(answer);
            if wire.write(&bytes).is_err() {
                break;
            }
        }
    }

    fn call(&self, method: &str, target: &str, body: Vec<u8>) -> (&'static str, Vec<u8>) {
        const DONE: &str = "200 OK";
        const MISSING: (&str, Vec<u8>) = ("404 Not Found", Vec::new());
        if self.failing.load(Ordering::SeqCst) {
            return ("500 Internal Server Error", b"told to fail".to_vec());
        }
        // Absolute or not, the key is the path, percent-encoded.
        let target = target
            .strip_prefix("http://")
            .map_or(target, |rest| rest.find('/').map_or("/", |at| &rest[at..]));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let key = decoded(path.trim_start_matches('/'));
        match (method, key.as_str()) {
            ("GET", "") => {
                let prefix = query
                    .split('&')
                    .find_map(|p| p.strip_prefix("prefix="))
                    .map(decoded);
                let values = self.lock();
                let keys = values
                    .keys()
                    .filter(|k| k.starts_with(prefix.as_deref().unwrap_or_default()));
                let keys: Vec<_> = keys.map(|name| json!({ "name": name })).collect();
                let list = json!({ "keys": keys, "list_complete": true });
                (DONE, list.to_string().into_bytes())
            }
            ("GET", key) => {
                self.reads.fetch_add(1, Ordering::SeqCst);
                self.lock()
                    .get(key)
                    .map_or(MISSING, |value| (DONE, value.clone()))
            }
            ("PUT", key) => {
                self.lock().insert(key.to_owned(), body);
                (DONE, Vec::new())
            }
            ("DELETE", key) => {
                self.lock().remove(key);
                (DONE, Vec::new())
            }
            _ => ("405 Method Not Allowed", Vec::new()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.values.lock().expect("no poison")
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|c| std::str::from_utf8(c).ok());
        match (first, code.and_then(|c| u8::from_str_radix(c, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
