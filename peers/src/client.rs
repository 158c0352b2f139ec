//! An HTTP/1.1 client for when bytes matter: it sends what it is given and hides nothing of what comes back.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tungstenite::WebSocket;
use tungstenite::protocol::Role;

use crate::wire::{Body, Head, Wire};

/// How long a client waits for bytes before it gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// One connection. Dropping it closes in order; [`Client::reset`] does not.
pub struct Client {
    wire: Wire,
}

/// A whole response, or as much of it as came.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub head: Head,
    /// Decoded of its chunks, not of its content coding.
    pub body: Vec<u8>,
    pub trailers: Vec<(String, String)>,
    pub ending: Ending,
    /// The interim (1xx) responses before it.
    pub interim: Vec<Head>,
}

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As its framing says.
    Whole,
    /// The connection ended first.
    Cut,
}

/// A request under construction.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    target: String,
    lines: Vec<Vec<u8>>,
    body: Vec<u8>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Client {
            wire: Wire::new(stream),
        }
    }

    /// Sends exactly these bytes. A peer that has closed is found out when reading.
    pub fn send(&mut self, bytes: &[u8]) {
        self.wire.write(bytes).ok();
    }

    /// The next response to a request with this method.
    pub fn answer(&mut self, method: &str) -> io::Result<Answer> {
        let mut interim = Vec::new();
        let head = loop {
            let head = self.head()?;
            match status(&head) {
                100 | 102..=199 => interim.push(head),
                _ => break head,
            }
        };
        let mut body = body_of(&head, method);
        let (mut bytes, mut trailers) = (Vec::new(), Vec::new());
        let ending = loop {
            match self.wire.piece(&mut body, &mut trailers) {
                Ok(Some(piece)) => bytes.extend(piece),
                Ok(None) => break Ending::Whole,
                Err(e) if is_timeout(&e) => return Err(e),
                Err(_) => break Ending::Cut,
            }
        };
        Ok(Answer {
            status: status(&head),
            head,
            body: bytes,
            trailers,
            ending,
            interim,
        })
    }

    /// The next head alone; an early close is an error. For responses that are read piece by piece.
    pub fn head(&mut self) -> io::Result<Head> {
        self.wire.head()?.ok_or(io::ErrorKind::UnexpectedEof.into())
    }

    /// The body that follows a response's head.
    pub fn body(&self, head: &Head, method: &str) -> Body {
        body_of(head, method)
    }

    /// The next piece of a body as it arrives, at the latest after `limit`; `None` at the end.
    pub fn piece(&mut self, body: &mut Body, limit: Duration) -> io::Result<Option<Vec<u8>>> {
        self.within(limit, |wire| wire.piece(body, &mut Vec::new()))
    }

    /// Raw bytes as they arrive, at the latest after `limit`; none at the end of the connection.
    pub fn bytes(&mut self, limit: Duration) -> io::Result<Vec<u8>> {
        self.within(limit, Wire::some)
    }

    /// Whether the peer closes the connection within `limit` and sends nothing before.
    pub fn closes(&mut self, limit: Duration) -> bool {
        match self.bytes(limit) {
            Ok(bytes) => bytes.is_empty(),
            Err(e) => !is_timeout(&e),
        }
    }

    /// Leaves with a reset. A runtime takes a mere close for a client that still listens.
    pub fn reset(self) {
        self.wire.reset_on_close();
    }

    /// Another handle on the connection, for sending while this one reads.
    pub fn stream(&self) -> TcpStream {
        self.wire.stream.try_clone().expect("a socket")
    }

    /// Opens a WebSocket (RFC 6455). `lines` are further header lines. Panics when the answer is not 101.
    pub fn websocket(
        address: SocketAddr,
        target: &str,
        lines: &[&str],
    ) -> (Head, WebSocket<TcpStream>) {
        let mut client = Client::connect(address);
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        let mut request = Request::new("GET", target)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", key);
        for line in lines {
            request = request.line(line.as_bytes());
        }
        client.send(&request.bytes());
        let head = client.head().expect("an answer to the upgrade");
        assert_eq!(status(&head), 101, "not upgraded: {head:?}");
        let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
        assert_eq!(head.header("sec-websocket-accept"), Some(accept.as_str()));
        let unread = client.wire.take_unread();
        let stream = client.stream();
        (
            head,
            WebSocket::from_partially_read(stream, unread, Role::Client, None),
        )
    }

    fn within<T>(
        &mut self,
        limit: Duration,
        read: impl FnOnce(&mut Wire) -> io::Result<T>,
    ) -> io::Result<T> {
        let limit = limit.max(Duration::from_millis(1));
        self.wire.stream.set_read_timeout(Some(limit))?;
        let result = read(&mut self.wire);
        self.wire.stream.set_read_timeout(Some(PATIENCE))?;
        result
    }
}

impl Request {
    pub fn new(method: &str, target: &str) -> Request {
        Request {
            method: method.to_owned(),
            target: target.to_owned(),
            lines: Vec::new(),
            body: Vec::new(),
        }
    }

    pub fn get(target: &str) -> Request {
        Request::new("GET", target)
    }

    pub fn post(target: &str, body: impl Into<Vec<u8>>) -> Request {
        Request::new("POST", target).body(body)
    }

    pub fn header(self, name: &str, value: &str) -> Request {
        self.line(format!("{name}: {value}").as_bytes())
    }

    /// A header line as it is, without its end.
    pub fn line(mut self, line: &[u8]) -> Request {
        self.lines.push(line.to_vec());
        self
    }

    pub fn method(&self) -> &str {
        &self.method
    }

    /// A body framed by Content-Length.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Request {
        self.body = body.into();
        let length = self.body.len().to_string();
        self.header("Content-Length", &length)
    }

    /// The request as it is sent; `Host: gateway.test` unless a line names another.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        let is_host = |line: &Vec<u8>| line.len() > 4 && line[..5].eq_ignore_ascii_case(b"host:");
        if !self.lines.iter().any(is_host) {
            bytes.extend_from_slice(b"Host: gateway.test\r\n");
        }
        for line in &self.lines {
            bytes.extend_from_slice(line);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Sends it on a connection of its own and waits for the whole answer. Panics when there is none.
    pub fn send(&self, address: SocketAddr) -> Answer {
        self.try_send(address).expect("an answer")
    }

    /// The same where there may be no answer.
    pub fn try_send(&self, address: SocketAddr) -> io::Result<Answer> {
        let mut client = Client::connect(address);
        client.send(&self.bytes());
        client.answer(&self.method)
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// Every line of a header.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.head.all(name)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON. Panics with the whole body when it is none.
    pub fn json(&self) -> serde_json::Value {
        let read = serde_json::from_slice(&self.body);
        read.unwrap_or_else(|e| panic!("not JSON ({e}), status {}: {}", self.status, self.text()))
    }
}

/// Whether an error only says that nothing came in time.
pub fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

fn status(head: &Head) -> u16 {
    head.word(1).parse().expect("a status line")
}

/// RFC 9112 section 6.3.
fn body_of(head: &Head, method: &str) -> Body {
    match status(head) {
        101 | 204 | 304 => Body::Done,
        _ if method == "HEAD" => Body::Done,
        _ => head.framing().unwrap_or(Body::UntilClose),
    }
}
