//! Which requests are sent to a mirror too, and what is kept of them for that.

use super::act::Exchange;
use crate::edits::Edits;
use crate::host::Host;
use crate::http::Method;
use crate::plan::{Balance, MirrorSpec};
use crate::problem::Problem;
use crate::upstream::Server;
use crate::upstream::mirror::compare::Head;
use crate::upstream::mirror::{Counts, Shadow, head, is_bounded};
use crate::upstream::pool::hash_number;

impl<H: Host> Exchange<'_, H> {
    /// Whether this request is chosen, and can be sent twice.
    pub(super) async fn is_mirrored(&self, spec: &MirrorSpec) -> Result<bool, Problem> {
        let method = Method::serving(self.request.method);
        let fits = method.is_some_and(|method| spec.methods.contains(&method));
        if self.websocket || !fits || self.host.random() % 100 >= u64::from(spec.percent) {
            return Ok(false);
        }
        let (mirrors, index) = (&self.plan.mirrors, self.matched.index);
        mirrors.count(index, |counts| counts.seen = counts.seen.saturating_add(1));
        let fits = mirrors.has_room(index, spec, self.host.now_ms())
            && self.is_kept(spec.max_body_bytes).await?;
        if !fits {
            mirrors.count(index, skipped);
        }
        Ok(fits)
    }

    /// What is sent to the mirror. `fields` are without a proof: that one is for the primary alone.
    pub(super) fn shadow(
        &self,
        spec: &MirrorSpec,
        path: &str,
        query: Option<&str>,
        fields: &Edits,
    ) -> Box<Shadow<H::Reply>> {
        let hash = match self.plan.servers.get(usize::from(spec.server)) {
            Some(Ok(Server::Pool(pool))) => match &pool.spec.balance {
                Balance::ConsistentHash { on, .. } => self.key(on),
                _ => None,
            },
            _ => None,
        };
        Box::new(Shadow {
            index: self.matched.index,
            pattern: self.path.pattern.clone(),
            request_id: self.request_id.to_owned(),
            spec: spec.clone(),
            method: self.request.method.to_owned(),
            body: self.request.body,
            path: path.to_owned(),
            query: query.map(str::to_owned),
            edits: fields.clone(),
            zones: spec.zones.clone(),
            hash: hash.as_deref().map(hash_number),
            primary: Head::default(),
            copy: None,
        })
    }

    /// Hands on what the primary answered, and leaves the mirror to be asked.
    pub(super) fn shadowed(
        &self,
        sent: Result<H::Reply, Problem>,
        shadow: Option<Box<Shadow<H::Reply>>>,
    ) -> Result<H::Reply, Problem> {
        let Some(mut shadow) = shadow else {
            return sent;
        };
        let Ok(reply) = sent else {
            self.plan.mirrors.count(shadow.index, skipped);
            return sent;
        };
        let (host, spec) = (self.host, &shadow.spec);
        let compared = spec.compare.as_ref().is_some_and(|c| c.body.is_some());
        shadow.copy = (compared && is_bounded(host, spec, &reply)).then(|| host.copy(&reply));
        shadow.primary = head(host, spec, &reply);
        *self.aside.shadow.borrow_mut() = Some(shadow);
        Ok(reply)
    }
}

fn skipped(counts: &mut Counts) {
    counts.skipped = counts.skipped.saturating_add(1);
}
