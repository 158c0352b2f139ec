//! What a backend does with a request, by its path.

use std::io::{self, ErrorKind, Write};
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tungstenite::protocol::Role;

use super::{Fault, RECORDED_BODY, Recorded, Script, State};
use crate::wire::{Body, Head, Wire};

/// A client that holds a connection for longer than this is taken for a lost one.
const LONGEST_HOLD: Duration = Duration::from_secs(60);

/// What becomes of the connection.
pub(super) enum Next {
    Keep,
    Close,
}

/// A request's body as far as it matters afterwards.
struct Received {
    start: Vec<u8>,
    length: u64,
    digest: String,
}

/// The whole answer of `/bench`.
pub(super) fn bench(marks: &str) -> Vec<u8> {
    let lines = format!("{marks}Content-Type: text/plain\r\nContent-Length: 13");
    format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\nhello, world\n").into_bytes()
}

/// Answers one request. An error is a client that left too early.
pub(super) fn answer(
    state: &State,
    wire: &mut Wire,
    head: Head,
    fault: Option<Fault>,
) -> io::Result<Next> {
    let target = head.word(1).to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut segments = path.trim_start_matches('/').split('/');
    let (first, second) = (segments.next().unwrap_or_default(), segments.next());
    let pause = match fault {
        None => Duration::ZERO,
        Some(Fault::Slow(pause)) => pause,
        Some(fault) => return fail(state, wire, &head, fault),
    };
    if first == "ws" && head.header("sec-websocket-key").is_some() {
        state.record(Recorded::bare(&head));
        return websocket(wire, &head);
    }
    if first == "duplex" {
        return duplex(state, wire, head);
    }
    let received = receive(state, wire, &head)?;
    let mut reply = Reply {
        wire,
        head: &head,
        marks: &state.marks,
    };
    if !pause.is_zero() {
        reply.pause(pause)?;
    }
    let script = state.scripts.lock().expect("no poison").get(path).cloned();
    if let Some(script) = script {
        reply.script(&script)?;
        return Ok(Next::Keep);
    }
    match first {
        "bench" => reply.wire.write(&state.bench)?,
        "status" => reply.status(second.unwrap_or("200"))?,
        "cookies" => reply.fixed("Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT\r\n", b"cookies\n")?,
        "headers" => {
            let lines: String = pairs(query)
                .map(|(name, value)| format!("{name}: {value}\r\n"))
                .collect();
            reply.fixed(&lines, b"headers\n")?;
        }
        "named-headers" => reply.fixed(
            "Connection: keep-alive, X-Named\r\nX-Named: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\nX-Kept: 1\r\n",
            b"named\n",
        )?,
        "redirect" => {
            let to = text_of(query, "to").unwrap_or("/");
            reply.send("302 Found", &format!("Location: {to}\r\n"), b"moved\n")?;
        }
        "gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all("hello, world\n".repeat(100).as_bytes())?;
            let lines = "Content-Encoding: gzip\r\nContent-Type: text/plain\r\n";
            reply.fixed(lines, &encoder.finish()?)?;
        }
        "early-hints" => {
            reply.wire.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")?;
            reply.fixed("", b"after the hints\n")?;
        }
        "trailers" => reply.wire.write(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Trailer\r\n\r\n5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n",
        )?,
        "events" => reply.pieces("Content-Type: text/event-stream\r\n", query, |i| format!("data: {i}\n\n"))?,
        "slow-body" => reply.pieces("", query, |i| format!("piece {i}\n"))?,
        "slow-head" => {
            // The client may leave meanwhile: that is worth knowing.
            reply.pause(Duration::from_millis(number_of(query, "ms", 1000)))?;
            reply.fixed("", b"slow\n")?;
        }
        "bytes" => reply.bytes(second.and_then(|n| n.parse().ok()).unwrap_or(0), query == "chunked")?,
        "upload" => {
            let body = json!({ "length": received.length, "sha256": received.digest });
            reply.json(&body)?;
        }
        "close" => return Ok(Next::Close),
        "reset" => {
            wire.reset_on_close();
            return Ok(Next::Close);
        }
        "cut" => {
            let has = |name| query.split('&').any(|part| part == name);
            cut(reply, has("chunked"), has("reset"))?;
            return Ok(Next::Close);
        }
        "junk" => {
            wire.write(b"220 mail.example ESMTP\r\n\r\n")?;
            return Ok(Next::Close);
        }
        "hold" => {
            reply.pause(LONGEST_HOLD)?;
            return Ok(Next::Close);
        }
        _ => reply.json(&told(state, &head, &received))?,
    }
    let closing = head
        .all("connection")
        .iter()
        .any(|v| v.eq_ignore_ascii_case("close"));
    Ok(if closing { Next::Close } else { Next::Keep })
}

/// Does what was told to happen.
fn fail(state: &State, wire: &mut Wire, head: &Head, fault: Fault) -> io::Result<Next> {
    receive(state, wire, head)?;
    let mut reply = Reply {
        wire,
        head,
        marks: &state.marks,
    };
    match fault {
        Fault::Status(code) => {
            reply.status(&code.to_string())?;
            return Ok(Next::Keep);
        }
        Fault::Answer(script) => {
            reply.script(&script)?;
            return Ok(Next::Keep);
        }
        Fault::Slow(time) => reply.pause(time)?,
        Fault::Stall => reply.pause(LONGEST_HOLD)?,
        Fault::Reset => wire.reset_on_close(),
        Fault::Cut => cut(reply, false, true)?,
    }
    Ok(Next::Close)
}

/// A body that ends before its framing says so.
fn cut(reply: Reply, chunked: bool, reset: bool) -> io::Result<()> {
    let (framing, start) = match chunked {
        true => ("Transfer-Encoding: chunked", "5\r\nhello\r\n"),
        false => ("Content-Length: 1000", "hello"),
    };
    let marks = reply.marks;
    let bytes = format!("HTTP/1.1 200 OK\r\n{marks}{framing}\r\n\r\n{start}");
    reply.wire.write(bytes.as_bytes())?;
    // A reset throws away what the peer has not read yet.
    sleep(Duration::from_millis(100));
    if reset {
        reply.wire.reset_on_close();
    }
    Ok(())
}

/// An answer on its way.
struct Reply<'a> {
    wire: &'a mut Wire,
    head: &'a Head,
    /// Lines of every head.
    marks: &'a str,
}

impl Reply<'_> {
    fn script(&mut self, script: &Script) -> io::Result<()> {
        if !script.pause.is_zero() {
            self.pause(script.pause)?;
        }
        let status = format!("{} Told So", script.status);
        self.send(&status, &script.lines, script.body.as_bytes())
    }

    fn fixed(&mut self, lines: &str, body: &[u8]) -> io::Result<()> {
        self.send("200 OK", lines, body)
    }

    fn json(&mut self, value: &Value) -> io::Result<()> {
        let mut body = serde_json::to_vec_pretty(value)?;
        body.push(b'\n');
        self.fixed("Content-Type: application/json\r\n", &body)
    }

    /// One write; no body to HEAD (RFC 9110 section 9.3.2).
    fn send(&mut self, status: &str, lines: &str, body: &[u8]) -> io::Result<()> {
        let head = format!(
            "HTTP/1.1 {status}\r\n{}{lines}Content-Length: {}\r\n\r\n",
            self.marks,
            body.len()
        );
        let mut bytes = head.into_bytes();
        if self.head.word(0) != "HEAD" {
            bytes.extend_from_slice(body);
        }
        self.wire.write(&bytes)
    }

    fn status(&mut self, code: &str) -> io::Result<()> {
        match code {
            // No content, so no framing either (RFC 9110 section 8.6).
            "204" | "304" => {
                let marks = self.marks;
                let head = format!("HTTP/1.1 {code} Told So\r\n{marks}ETag: \"x\"\r\n\r\n");
                self.wire.write(head.as_bytes())
            }
            _ => self.send(
                &format!("{code} Told So"),
                "",
                format!("{code}\n").as_bytes(),
            ),
        }
    }

    fn bytes(&mut self, count: u64, chunked: bool) -> io::Result<()> {
        let framing = match chunked {
            true => "Transfer-Encoding: chunked".to_owned(),
            false => format!("Content-Length: {count}"),
        };
        let marks = self.marks;
        self.wire
            .write(format!("HTTP/1.1 200 OK\r\n{marks}{framing}\r\n\r\n").as_bytes())?;
        if self.head.word(0) == "HEAD" {
            return Ok(());
        }
        let block = vec![b'x'; 64 * 1024];
        let mut left = count;
        while left > 0 {
            let piece = &block[..block.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
            left -= piece.len() as u64;
            match chunked {
                true => self.chunk(piece)?,
                false => self.wire.write(piece)?,
            }
        }
        if chunked {
            self.wire.write(b"0\r\n\r\n")?;
        }
        Ok(())
    }

    /// `n` pieces, one each `ms`, each in a write of its own.
    fn pieces(
        &mut self,
        lines: &str,
        query: &str,
        piece: impl Fn(u64) -> String,
    ) -> io::Result<()> {
        let marks = self.marks;
        let head = format!("HTTP/1.1 200 OK\r\n{marks}{lines}Transfer-Encoding: chunked\r\n\r\n");
        self.wire.write(head.as_bytes())?;
        for i in 0..number_of(query, "n", 5) {
            self.chunk(piece(i).as_bytes())?;
            self.pause(Duration::from_millis(number_of(query, "ms", 100)))?;
        }
        self.wire.write(b"0\r\n\r\n")
    }

    fn chunk(&mut self, piece: &[u8]) -> io::Result<()> {
        let mut bytes = format!("{:x}\r\n", piece.len()).into_bytes();
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
        self.wire.write(&bytes)
    }

    /// Waits, and fails as soon as the client is gone.
    fn pause(&mut self, time: Duration) -> io::Result<()> {
        let stream = &self.wire.stream;
        stream.set_read_timeout(Some(time.max(Duration::from_millis(1))))?;
        let seen = stream.peek(&mut [0]);
        stream.set_read_timeout(None)?;
        match seen {
            Ok(0) => Err(ErrorKind::ConnectionAborted.into()),
            // The next request is here already; this one still takes its time.
            Ok(_) => {
                sleep(time);
                Ok(())
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(()),
            Err(e) => Err(e),
        }
    }
}

/// Reads and records a request's body; one that breaks off is recorded as far as it came.
fn receive(state: &State, wire: &mut Wire, head: &Head) -> io::Result<Received> {
    let mut body = head.framing().unwrap_or(Body::Done);
    let mut request = Recorded::bare(head);
    let mut digest = Sha256::new();
    let mut trailers = Vec::new();
    if head
        .header("expect")
        .is_some_and(|e| e.eq_ignore_ascii_case("100-continue"))
    {
        wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let end = loop {
        match wire.piece(&mut body, &mut trailers) {
            Ok(Some(piece)) => {
                digest.update(&piece);
                request.length += piece.len() as u64;
                let room = RECORDED_BODY.saturating_sub(request.body.len());
                request
                    .body
                    .extend_from_slice(&piece[..piece.len().min(room)]);
            }
            Ok(None) => break Ok(()),
            Err(e) => break Err(e),
        }
    };
    request.whole = end.is_ok();
    let received = Received {
        start: request.body.clone(),
        length: request.length,
        digest: digest
            .finalize()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect(),
    };
    state.record(request);
    end.map(|()| received)
}

/// The request as JSON: what a person sees of the gateway's work.
fn told(state: &State, head: &Head, received: &Received) -> Value {
    // One string a line reads best on a terminal.
    let lines = head.headers.iter().map(|(n, v)| format!("{n}: {v}"));
    let headers: Vec<String> = lines.collect();
    let mut told = json!({
        "server": state.identity.name,
        "cloud": state.identity.cloud,
        "method": head.word(0),
        "target": head.word(1),
        "headers": headers,
        "body": { "length": received.length },
    });
    match std::str::from_utf8(&received.start) {
        Ok(text) if received.length <= 4096 => told["body"]["text"] = text.into(),
        _ => told["body"]["sha256"] = received.digest.clone().into(),
    }
    told
}

/// Sends the body back while it still arrives.
fn duplex(state: &State, wire: &mut Wire, head: Head) -> io::Result<Next> {
    state.record(Recorded::bare(&head));
    let mut body = head.framing().unwrap_or(Body::Done);
    let mut trailers = Vec::new();
    let mut reply = Reply {
        wire,
        head: &head,
        marks: "",
    };
    reply
        .wire
        .write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    while let Some(piece) = reply.wire.piece(&mut body, &mut trailers)? {
        reply.chunk(&piece)?;
    }
    reply.wire.write(b"0\r\n\r\n")?;
    Ok(Next::Keep)
}

/// A WebSocket (RFC 6455) that says everything back.
fn websocket(wire: &mut Wire, head: &Head) -> io::Result<Next> {
    let key = head.header("sec-websocket-key").unwrap_or_default();
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    let protocol = head
        .header("sec-websocket-protocol")
        .and_then(|offered| offered.split(',').next_back())
        .map(|last| format!("Sec-WebSocket-Protocol: {}\r\n", last.trim()));
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n{}X-Upstream: ws\r\n\r\n",
        protocol.unwrap_or_default()
    );
    wire.write(answer.as_bytes())?;
    let unread = wire.take_unread();
    let stream = wire.stream.try_clone()?;
    let mut socket =
        tungstenite::WebSocket::from_partially_read(stream, unread, Role::Server, None);
    loop {
        match socket.read() {
            Ok(message) if message.is_text() || message.is_binary() => {
                socket.send(message).map_err(io::Error::other)?;
            }
            // Pings and closes are answered by the library, when it next reads or writes.
            Ok(_) => {}
            Err(tungstenite::Error::ConnectionClosed) => return Ok(Next::Close),
            Err(e) => return Err(io::Error::other(e)),
        }
    }
}

impl Recorded {
    fn bare(head: &Head) -> Recorded {
        Recorded {
            head: head.clone(),
            body: Vec::new(),
            length: 0,
            whole: true,
        }
    }
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
}

fn text_of<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    pairs(query).find(|(n, _)| *n == name).map(|(_, v)| v)
}

fn number_of(query: &str, name: &str, otherwise: u64) -> u64 {
    text_of(query, name)
        .and_then(|v| v.parse().ok())
        .unwrap_or(otherwise)
}
