//! What an isolate knows of its mirrors: how many are under way, and what became of the others.

use std::cell::RefCell;

use crate::plan::MirrorSpec;

/// How many mirrors are under way at once in an isolate. Each may hold three bodies.
pub const MOST_IN_FLIGHT: usize = 4;

/// What became of the requests of a path that were chosen to be mirrored. All but the first add up to it, but for those
/// that are under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Chosen.
    pub seen: u64,
    /// Nothing that is compared differs.
    pub same: u64,
    pub different: u64,
    /// The mirror did not answer.
    pub failed: u64,
    /// Not sent: beyond a limit, with a body that is not kept, or because the primary itself did not answer.
    pub skipped: u64,
    /// Answered, and not or not wholly compared.
    pub uncompared: u64,
}

/// The mirrors of all paths of a plan.
#[derive(Default)]
pub struct Mirrors {
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    /// When each that is under way must have ended, in ms: should the platform end one without a word, its place is free
    /// again all the same.
    under_way: Vec<u64>,
    /// With the path's index, by which they are sorted.
    paths: Vec<(usize, Track)>,
}

#[derive(Default)]
struct Track {
    counts: Counts,
    minute: u64,
    in_minute: u32,
}

impl State {
    /// It is there, new or not.
    fn track(&mut self, path: usize) -> Option<&mut Track> {
        let found = self.paths.binary_search_by_key(&path, |(index, _)| *index);
        let place = found.unwrap_or_else(|place| {
            self.paths.insert(place, (path, Track::default()));
            place
        });
        self.paths.get_mut(place).map(|(_, track)| track)
    }
}

/// A place among those under way.
pub struct Slot<'a> {
    mirrors: &'a Mirrors,
    until: u64,
}

impl Mirrors {
    /// Adds to the counts of a path, which are what comes back.
    pub fn count(&self, path: usize, add: impl FnOnce(&mut Counts)) -> Counts {
        let mut state = self.state.borrow_mut();
        let Some(track) = state.track(path) else {
            return Counts::default();
        };
        add(&mut track.counts);
        track.counts
    }

    /// Whether there is room for one more.
    pub fn has_room(&self, path: usize, spec: &MirrorSpec, now: u64) -> bool {
        let mut state = self.state.borrow_mut();
        state.under_way.retain(|until| *until > now);
        let minute = now / 60_000;
        let is_free = state.under_way.len() < MOST_IN_FLIGHT;
        state.track(path).is_some_and(|track| {
            if track.minute != minute {
                track.minute = minute;
                track.in_minute = 0;
            }
            is_free && track.in_minute < spec.max_per_minute
        })
    }

    /// One more is under way, if there is room.
    pub fn begin(&self, path: usize, spec: &MirrorSpec, now: u64) -> Option<Slot<'_>> {
        if !self.has_room(path, spec, now) {
            return None;
        }
        let until = now
            .saturating_add(u64::from(spec.timeout_ms))
            .saturating_add(GRACE_MS);
        let mut state = self.state.borrow_mut();
        state.under_way.push(until);
        if let Some(track) = state.track(path) {
            track.in_minute = track.in_minute.saturating_add(1);
        }
        Some(Slot {
            mirrors: self,
            until,
        })
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let under_way = &mut self.mirrors.state.borrow_mut().under_way;
        if let Some(place) = under_way.iter().position(|until| *until == self.until) {
            under_way.swap_remove(place);
        }
    }
}

impl Counts {
    /// Members of a JSON object, each after a comma.
    pub fn log_members(&self) -> String {
        let Counts {
            seen,
            same,
            different,
            failed,
            skipped,
            uncompared,
        } = self;
        format!(
            ",\"seen\":{seen},\"same\":{same},\"different\":{different},\"failed\":{failed},\
             \"skipped\":{skipped},\"uncompared\":{uncompared}"
        )
    }
}

/// How long after its time-out a mirror has surely ended.
const GRACE_MS: u64 = 5_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(max_per_minute: u32) -> MirrorSpec {
        MirrorSpec {
            zones: None,
            server: 1,
            percent: 100,
            max_per_minute,
            methods: Vec::new(),
            timeout_ms: 1_000,
            max_body_bytes: 0,
            compare: None,
        }
    }

    #[test]
    fn no_more_than_so_many_are_under_way_at_once_whatever_their_path() {
        let (mirrors, spec) = (Mirrors::default(), spec(1_000));
        let begin = |path, now| mirrors.begin(path, &spec, now);
        let mut slots: Vec<_> = (0..MOST_IN_FLIGHT).map(|path| begin(path, 0)).collect();
        assert!(slots.iter().all(Option::is_some));
        assert!(begin(9, 0).is_none());
        slots.pop();
        let again = begin(9, 0);
        assert!(again.is_some());
        assert!(!mirrors.has_room(9, &spec, 5_999));
        // Those that never ended hold their places no longer than this.
        assert!(mirrors.has_room(9, &spec, 6_000));
        drop(slots);
        drop(again);
        assert!(begin(9, 6_000).is_some());
    }

    #[test]
    fn no_more_than_so_many_begin_in_a_minute_of_each_path() {
        let (mirrors, spec) = (Mirrors::default(), spec(2));
        let begin = |path, now| mirrors.begin(path, &spec, now).is_some();
        assert!(begin(0, 1) && begin(0, 2));
        assert!(!begin(0, 59_999));
        assert!(begin(1, 59_999));
        assert!(begin(0, 60_000));
    }

    #[test]
    fn counts_are_kept_for_each_path() {
        let mirrors = Mirrors::default();
        mirrors.count(0, |counts| counts.seen = 1);
        assert_eq!(mirrors.count(1, |_| ()), Counts::default());
        let told = mirrors.count(0, |counts| counts.same = 1).log_members();
        assert_eq!(
            told,
            ",\"seen\":1,\"same\":1,\"different\":0,\"failed\":0,\"skipped\":0,\"uncompared\":0"
        );
    }
}
