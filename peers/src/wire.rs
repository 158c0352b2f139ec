//! HTTP/1.1 messages as they stand on a socket (RFC 9112), for both sides of a connection.

use std::io::{self, Read, Write};
use std::net::TcpStream;

const READ_SIZE: usize = 16 * 1024;
const MAX_HEADERS: usize = 4096;

/// A connection with what was read from it and not yet used.
pub struct Wire {
    pub stream: TcpStream,
    buffer: Vec<u8>,
    used: usize,
}

/// The head of a message: the bytes, and what they say.
#[derive(Clone, Debug)]
pub struct Head {
    /// From the first line up to and with the empty line.
    pub raw: Vec<u8>,
    /// The first line without its end.
    pub line: String,
    /// In order, with the original case; values that are not UTF-8 are shown lossily ([`Head::raw`] has them whole).
    pub headers: Vec<(String, String)>,
}

/// How much of a message's body is still to come (RFC 9112 section 6.3).
#[derive(Debug)]
pub enum Body {
    Length(u64),
    Chunked {
        /// Bytes left of the current chunk.
        left: u64,
        started: bool,
    },
    UntilClose,
    Done,
}

impl Wire {
    pub fn new(stream: TcpStream) -> Wire {
        // Without it, answers written in two parts wait for an acknowledgement.
        stream.set_nodelay(true).ok();
        Wire {
            stream,
            buffer: Vec::new(),
            used: 0,
        }
    }

    /// The bytes of the next message head, or `None` when the peer closed before it began.
    pub fn head_bytes(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut searched = 0;
        loop {
            let unread = &self.buffer[self.used..];
            let from = usize::saturating_sub(searched, 3);
            if let Some(at) = unread[from..].windows(4).position(|w| w == b"\r\n\r\n") {
                let raw = unread[..from + at + 4].to_vec();
                self.used += raw.len();
                return Ok(Some(raw));
            }
            searched = unread.len();
            if self.fill()? == 0 {
                return match searched {
                    0 => Ok(None),
                    _ => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
        }
    }

    /// The next message head, or `None` when the peer closed before it began.
    pub fn head(&mut self) -> io::Result<Option<Head>> {
        self.head_bytes()?.map(Head::read).transpose()
    }

    /// The next piece of a body, as it arrives; `None` at its end. A peer that closes too early is an error.
    pub fn piece(
        &mut self,
        body: &mut Body,
        trailers: &mut Vec<(String, String)>,
    ) -> io::Result<Option<Vec<u8>>> {
        if let Body::Chunked { left: 0, started } = body {
            if *started {
                self.line()?;
            }
            let size = self.line()?;
            let digits = size.split(|b| *b == b';').next().unwrap_or_default();
            let left = std::str::from_utf8(digits)
                .ok()
                .and_then(|d| u64::from_str_radix(d.trim(), 16).ok())
                .ok_or(io::ErrorKind::InvalidData)?;
            *body = Body::Chunked {
                left,
                started: true,
            };
            if left == 0 {
                loop {
                    let line = self.line()?;
                    if line.is_empty() {
                        break;
                    }
                    let line = String::from_utf8_lossy(&line).into_owned();
                    let (name, value) = line.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
                    trailers.push((name.to_owned(), value.trim().to_owned()));
                }
                *body = Body::Done;
            }
        }
        let most = match body {
            Body::Done | Body::Length(0) => return Ok(None),
            Body::Length(left) | Body::Chunked { left, .. } => *left,
            Body::UntilClose => u64::MAX,
        };
        if self.used == self.buffer.len() && self.fill()? == 0 {
            return match body {
                Body::UntilClose => Ok(None),
                _ => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        let unread = &self.buffer[self.used..];
        let length = unread
            .len()
            .min(usize::try_from(most).unwrap_or(usize::MAX));
        let piece = unread[..length].to_vec();
        self.used += length;
        if let Body::Length(left) | Body::Chunked { left, .. } = body {
            *left -= length as u64;
        }
        Ok(Some(piece))
    }

    /// Whatever was read and not yet used, then whatever the next read brings; empty at the end.
    pub fn some(&mut self) -> io::Result<Vec<u8>> {
        if self.used == self.buffer.len() {
            self.fill()?;
        }
        Ok(self.take_unread())
    }

    /// What was read and not yet used.
    pub fn take_unread(&mut self) -> Vec<u8> {
        let unread = self.buffer.split_off(self.used);
        self.buffer.clear();
        self.used = 0;
        unread
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Makes the coming close a reset instead of an orderly end: the peer's next read or write fails.
    pub fn reset_on_close(&self) {
        socket2::SockRef::from(&self.stream)
            .set_linger(Some(std::time::Duration::ZERO))
            .ok();
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let unread = &self.buffer[self.used..];
            if let Some(end) = unread.windows(2).position(|w| w == b"\r\n") {
                let line = unread[..end].to_vec();
                self.used += end + 2;
                return Ok(line);
            }
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.drain(..self.used);
        self.used = 0;
        let length = self.buffer.len();
        self.buffer.resize(length + READ_SIZE, 0);
        let read = self.stream.read(&mut self.buffer[length..]);
        self.buffer
            .truncate(length + read.as_ref().copied().unwrap_or(0));
        read
    }
}

impl Head {
    /// Reads a request's or a response's head.
    pub fn read(raw: Vec<u8>) -> io::Result<Head> {
        let end = raw
            .windows(2)
            .position(|w| w == b"\r\n")
            .ok_or(io::ErrorKind::InvalidData)?;
        let mut slots = vec![httparse::EMPTY_HEADER; MAX_HEADERS];
        let (_, fields) = match httparse::parse_headers(&raw[end + 2..], &mut slots) {
            Ok(httparse::Status::Complete(found)) => found,
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        let headers = fields
            .iter()
            .map(|f| {
                (
                    f.name.to_owned(),
                    String::from_utf8_lossy(f.value).into_owned(),
                )
            })
            .collect();
        Ok(Head {
            line: String::from_utf8_lossy(&raw[..end]).into_owned(),
            headers,
            raw,
        })
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name).next()
    }

    /// Every value of a header, line by line.
    pub fn all(&self, name: &str) -> Vec<&str> {
        find(&self.headers, name).collect()
    }

    /// A word of the first line: method, target, version; or version, status, reason.
    pub fn word(&self, index: usize) -> &str {
        self.line.splitn(3, ' ').nth(index).unwrap_or_default()
    }

    /// The body's framing, if the message can have one.
    pub fn framing(&self) -> Option<Body> {
        if self.header("transfer-encoding").is_some() {
            return Some(Body::Chunked {
                left: 0,
                started: false,
            });
        }
        let length = self.header("content-length")?.parse().ok()?;
        Some(Body::Length(length))
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> impl Iterator<Item = &'a str> {
    headers
        .iter()
        .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.as_str())
}
