//! A port that can be closed and opened again.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, SockRef, Socket, Type};

/// Accepts connections, each for a thread of its own. It closes when dropped.
pub(super) struct Door {
    address: SocketAddr,
    state: Mutex<State>,
}

enum State {
    Open(Accepting),
    /// The port is held by a socket that does not listen, so that nobody else gets it, and nobody is connected to
    /// himself, as may happen to who connects to a free port of the range for clients.
    Closed(Socket),
}

struct Accepting {
    stopping: Arc<AtomicBool>,
    connections: Arc<Connections>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Connections {
    streams: Mutex<HashMap<u64, TcpStream>>,
}

impl Door {
    pub(super) fn new(
        listener: TcpListener,
        serve: impl Fn(TcpStream) + Send + Sync + 'static,
    ) -> io::Result<Door> {
        let address = listener.local_addr()?;
        let state = Mutex::new(State::Open(Accepting::start(listener, serve)));
        Ok(Door { address, state })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resets all connections and refuses new ones. A closed one stays so.
    pub(super) fn close(&self) {
        let mut state = self.state.lock().expect("no poison");
        if let State::Open(accepting) = &mut *state {
            accepting.end(self.address);
            *state = State::Closed(held(self.address));
        }
    }

    /// Listens again. An open one stays so.
    pub(super) fn open(&self, serve: impl Fn(TcpStream) + Send + Sync + 'static) {
        let mut state = self.state.lock().expect("no poison");
        if let State::Closed(socket) = &*state {
            socket.listen(BACKLOG).expect("the port is held");
            let listener = socket.try_clone().expect("a socket").into();
            *state = State::Open(Accepting::start(listener, serve));
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if let State::Open(accepting) = self.state.get_mut().expect("no poison") {
            accepting.end(self.address);
        }
    }
}

impl Accepting {
    fn start(
        listener: TcpListener,
        serve: impl Fn(TcpStream) + Send + Sync + 'static,
    ) -> Accepting {
        let stopping = Arc::new(AtomicBool::new(false));
        let connections = Arc::new(Connections::default());
        let (flag, kept, serve) = (
            Arc::clone(&stopping),
            Arc::clone(&connections),
            Arc::new(serve),
        );
        let thread = std::thread::spawn(move || {
            for (id, stream) in (0..).zip(listener.incoming()) {
                if flag.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let Ok(copy) = stream.try_clone() else {
                    continue;
                };
                kept.lock().insert(id, copy);
                let (kept, serve) = (Arc::clone(&kept), Arc::clone(&serve));
                std::thread::spawn(move || {
                    serve(stream);
                    kept.lock().remove(&id);
                });
            }
        });
        Accepting {
            stopping,
            connections,
            thread: Some(thread),
        }
    }

    fn end(&mut self, address: SocketAddr) {
        self.stopping.store(true, Ordering::SeqCst);
        // The accepting thread looks at the flag when a connection comes.
        TcpStream::connect(address).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
        for stream in self.connections.lock().values() {
            // The thread that serves it wakes up, leaves, and its close is a reset.
            SockRef::from(stream).set_linger(Some(Duration::ZERO)).ok();
            stream.shutdown(Shutdown::Read).ok();
        }
        // A thread that has not woken up yet would answer one more request. One that is busy is not waited for.
        let until = Instant::now() + LEAVING;
        while !self.connections.lock().is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.connections.lock().clear();
    }
}

impl Connections {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, TcpStream>> {
        self.streams.lock().expect("no poison")
    }
}

/// A socket that has a port and refuses connections.
fn held(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    // Connections of before may linger on the port.
    socket.set_reuse_address(true).expect("a socket");
    socket
        .bind(&SockAddr::from(address))
        .expect("the port of before");
    socket
}

const BACKLOG: i32 = 1024;

/// How long connections have to notice that they are closed.
const LEAVING: Duration = Duration::from_secs(2);
