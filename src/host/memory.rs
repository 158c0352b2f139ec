//! A host in memory, for native tests and tools: scripted peers, seeded randomness, virtual time.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::edits::Edit;
use crate::http::one_cookie_line;
use crate::upstream::Geography;
use crate::upstream::fields::goes_on;

use super::{
    Ask, BodyError, Call, CallError, Called, Forward, Host, SendError, Signed, Signing, Told,
};

/// What a scripted peer answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// Lower-case names.
    pub fields: Vec<(String, String)>,
    pub body: String,
}

type Peer = Box<dyn Fn(&Forward) -> (u64, Result<Reply, SendError>)>;
type Teller = Box<dyn Fn(&Ask<'_>) -> (u64, Result<Told, SendError>)>;
type Function = Box<dyn Fn(&Call<'_>, Option<Reply>) -> Result<Called<Reply>, CallError>>;

/// One exchange's host. Its clock moves only by what its peers take.
pub struct MemoryHost {
    headers: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
    now_ms: Cell<u64>,
    seed: Cell<u64>,
    peer: Peer,
    function: Function,
    teller: Teller,
    body: Vec<u8>,
    client_certificate: Option<String>,
    geography: Geography,
    stored: BTreeMap<(String, String), String>,
    stored_fails: Cell<bool>,
    reads: Cell<usize>,
    derived: Cell<usize>,
    sent: RefCell<Vec<Forward>>,
    remembered: Rc<RefCell<Remembered>>,
    verified: Cell<u32>,
}

type Remembered = BTreeMap<String, (String, u64)>;

impl MemoryHost {
    /// A host at a time in milliseconds, with a request of the given fields, whose upstream answers 200 at once.
    pub fn new(now_ms: u64, headers: &[(&str, &str)]) -> Self {
        MemoryHost {
            headers: headers
                .iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), (*value).to_owned()))
                .collect(),
            variables: BTreeMap::new(),
            now_ms: Cell::new(now_ms),
            seed: Cell::new(1),
            peer: Box::new(|_| {
                let reply = Reply {
                    status: 200,
                    ..Reply::default()
                };
                (0, Ok(reply))
            }),
            function: Box::new(|_, _| Err(CallError("no function is scripted".into()))),
            teller: Box::new(|_| (0, Err(SendError::Unreachable("nobody is scripted".into())))),
            body: Vec::new(),
            client_certificate: None,
            geography: Geography::default(),
            stored: BTreeMap::new(),
            stored_fails: Cell::new(false),
            reads: Cell::new(0),
            derived: Cell::new(0),
            sent: RefCell::default(),
            remembered: Rc::default(),
            verified: Cell::new(0),
        }
    }

    /// Scripts the upstream: how many milliseconds it takes, and what comes of it.
    #[must_use]
    pub fn with_peer(
        mut self,
        peer: impl Fn(&Forward) -> (u64, Result<Reply, SendError>) + 'static,
    ) -> Self {
        self.peer = Box::new(peer);
        self
    }

    /// Scripts the functions of bound workers and services.
    #[must_use]
    pub fn with_function(
        mut self,
        function: impl Fn(&Call<'_>, Option<Reply>) -> Result<Called<Reply>, CallError> + 'static,
    ) -> Self {
        self.function = Box::new(function);
        self
    }

    /// Scripts whom the gateway asks on its own account: how many milliseconds it takes, and what comes of it.
    #[must_use]
    pub fn with_teller(
        mut self,
        teller: impl Fn(&Ask<'_>) -> (u64, Result<Told, SendError>) + 'static,
    ) -> Self {
        self.teller = Box::new(teller);
        self
    }

    /// What the platform says of the client's certificate, as JSON.
    #[must_use]
    pub fn with_client_certificate(mut self, json: &str) -> Self {
        self.client_certificate = Some(json.to_owned());
        self
    }

    /// Where the client is.
    #[must_use]
    pub fn with_geography(mut self, geography: Geography) -> Self {
        self.geography = geography;
        self
    }

    /// The client's body.
    #[must_use]
    pub fn with_body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    /// Puts a value into a KV namespace.
    #[must_use]
    pub fn with_stored(mut self, namespace: &str, key: &str, value: &str) -> Self {
        let place = (namespace.to_owned(), key.to_owned());
        self.stored.insert(place, value.to_owned());
        self
    }

    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// From now on KV fails, or works again.
    pub fn fail_stored(&self, failing: bool) {
        self.stored_fails.set(failing);
    }

    /// How often KV was read.
    pub fn reads(&self) -> usize {
        self.reads.get()
    }

    /// How often a password was hashed.
    pub fn derived(&self) -> usize {
        self.derived.get()
    }

    /// Lets this host recall what another one remembers, like isolates of one place.
    #[must_use]
    pub fn beside(mut self, other: &MemoryHost) -> Self {
        self.remembered = Rc::clone(&other.remembered);
        self
    }

    /// How many signatures by public keys were checked.
    pub fn verified(&self) -> u32 {
        self.verified.get()
    }

    /// Lets so many milliseconds pass.
    pub fn pass(&self, ms: u64) {
        self.now_ms.set(self.now_ms.get().saturating_add(ms));
    }

    /// What comes of something that takes so many milliseconds, of which only so many are waited for.
    fn within<T>(
        &self,
        limit_ms: u32,
        took_ms: u64,
        outcome: Result<T, SendError>,
    ) -> Result<T, SendError> {
        let limit_ms = u64::from(limit_ms);
        self.pass(took_ms.min(limit_ms));
        if took_ms > limit_ms {
            Err(SendError::TimedOut)
        } else {
            outcome
        }
    }

    /// The fields that an upstream is sent, by lower-case names: the client's that [go on](crate::upstream::fields), edited.
    pub fn fields_of(&self, forward: &Forward) -> BTreeMap<String, String> {
        let edits = &forward.edits;
        let client = self.headers.iter();
        let client = client.filter(|(name, _)| goes_on(name, edits, forward.as_gateway));
        let mut fields: BTreeMap<String, String> = client
            .map(|(name, value)| match name.as_str() {
                "cookie" => (name.clone(), one_cookie_line(value).into_owned()),
                _ => (name.clone(), value.clone()),
            })
            .collect();
        for edit in edits.iter() {
            match edit {
                Edit::Set(name, value) => fields.insert(name.to_owned(), value.to_owned()),
                Edit::Remove(name) => fields.remove(name),
                Edit::Append(name, value) => {
                    let before = fields.get(name).map(|before| format!("{before}, "));
                    let value = before.unwrap_or_default() + value;
                    fields.insert(name.to_owned(), value)
                }
            };
        }
        fields
    }

    /// What was sent on through [`Host::send`], in order.
    pub fn sent(&self) -> Vec<Forward> {
        self.sent.borrow().clone()
    }
}

impl Host for MemoryHost {
    type Reply = Reply;

    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.headers.get(name).map(|v| Cow::Borrowed(v.as_str()))
    }

    fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    /// SplitMix64: repeatable.
    fn random(&self) -> u64 {
        let seed = self.seed.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.seed.set(seed);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn client_certificate(&self) -> Option<String> {
        self.client_certificate.clone()
    }

    fn geography(&self) -> Geography {
        self.geography.clone()
    }

    fn status(&self, reply: &Reply) -> u16 {
        reply.status
    }

    fn reply_field(&self, reply: &Reply, name: &str) -> Option<String> {
        let (_, value) = reply.fields.iter().find(|(n, _)| n == name)?;
        Some(value.clone())
    }

    fn copy(&self, reply: &Reply) -> Reply {
        reply.clone()
    }

    async fn read(&self, reply: Reply, max_bytes: u32, _: u32) -> Result<Vec<u8>, BodyError> {
        if reply.body.len() > max_bytes as usize {
            return Err(BodyError::TooLong);
        }
        Ok(reply.body.into_bytes())
    }

    fn discard(&self, _: Reply) {}

    async fn keep_body(&self, max_bytes: u32) -> Result<bool, BodyError> {
        Ok(self.body.len() <= max_bytes as usize)
    }

    async fn send(&self, forward: &Forward) -> Result<Reply, SendError> {
        self.sent.borrow_mut().push(forward.clone());
        let (took, outcome) = (self.peer)(forward);
        self.within(forward.timeout_ms, took, outcome)
    }

    async fn ask(&self, ask: &Ask<'_>) -> Result<Told, SendError> {
        let (took, outcome) = (self.teller)(ask);
        match self.within(ask.timeout_ms, took, outcome) {
            Ok(told) if ask.max_bytes > 0 && told.body.len() > ask.max_bytes => {
                Err(SendError::Unreachable("the answer is too long".into()))
            }
            other => other,
        }
    }

    async fn body(&self, max_bytes: usize) -> Result<Vec<u8>, BodyError> {
        if self.body.len() > max_bytes {
            return Err(BodyError::TooLong);
        }
        Ok(self.body.clone())
    }

    async fn sleep(&self, ms: u32) {
        self.pass(u64::from(ms));
    }

    async fn stored(&self, namespace: &str, key: &str) -> Result<Option<String>, CallError> {
        self.reads.set(self.reads.get().saturating_add(1));
        if self.stored_fails.get() {
            return Err(CallError("told to fail".into()));
        }
        let place = (namespace.to_owned(), key.to_owned());
        Ok(self.stored.get(&place).cloned())
    }

    async fn derive(
        &self,
        password: &str,
        salt: &[u8],
        iterations: u32,
    ) -> Result<[u8; 32], CallError> {
        self.derived.set(self.derived.get().saturating_add(1));
        Ok(crate::auth::pbkdf2(password, salt, iterations))
    }

    #[cfg(not(target_arch = "wasm32"))]
    async fn verifies(&self, signed: &Signed<'_>) -> Result<bool, CallError> {
        self.verified.set(self.verified.get().saturating_add(1));
        super::signature::verifies(signed)
    }

    #[cfg(target_arch = "wasm32")]
    async fn verifies(&self, _: &Signed<'_>) -> Result<bool, CallError> {
        Err(CallError("this host knows no public keys".into()))
    }

    #[cfg(not(target_arch = "wasm32"))]
    async fn sign(&self, signing: &Signing<'_>) -> Result<Vec<u8>, CallError> {
        super::signature::sign(signing)
    }

    #[cfg(target_arch = "wasm32")]
    async fn sign(&self, _: &Signing<'_>) -> Result<Vec<u8>, CallError> {
        Err(CallError("this host signs nothing".into()))
    }

    async fn recall(&self, name: &str) -> Option<String> {
        let remembered = self.remembered.borrow();
        let (text, until) = remembered.get(name)?;
        (self.now_ms() < *until).then(|| text.clone())
    }

    async fn remember(&self, name: &str, text: &str, seconds: u32) {
        let until = self
            .now_ms()
            .saturating_add(u64::from(seconds).saturating_mul(1000));
        let mut remembered = self.remembered.borrow_mut();
        remembered.insert(name.to_owned(), (text.to_owned(), until));
    }

    async fn call(&self, call: Call<'_>, reply: Option<Reply>) -> Result<Called<Reply>, SendError> {
        (self.function)(&call, reply).map_err(|error| SendError::Unreachable(error.0))
    }
}

/// Runs a future of this host, which never waits for anything but virtual time.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            return value;
        }
    }
}
