//! What happened when: who answered in each stretch of a run, and when traffic moved away from an endpoint and came back.

use super::Served;

/// A run is told in so many rows at most.
const ROWS: u64 = 24;

/// Fewer requests in a step, on average, would say little of who answers.
const FEWEST: f64 = 40.0;

/// Lengths of rows and steps that people like, in seconds.
const LENGTHS: [u64; 13] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400];

/// Requests by the second in which they began.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    endpoints: usize,
    seconds: Vec<Row>,
}

/// A stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Seconds since the beginning.
    pub from_s: u64,
    pub requests: u64,
    /// Answered with 400 and above.
    pub failed: u64,
    /// Of each endpoint, by those that were answered by one.
    pub answers: Vec<u64>,
}

/// Traffic that an endpoint had, and lost for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    pub endpoint: usize,
    /// Seconds since the beginning.
    pub away_s: u64,
    /// `None` if it did not come back.
    pub back_s: Option<u64>,
}

impl Timeline {
    pub fn new(endpoints: usize) -> Timeline {
        Timeline {
            endpoints,
            seconds: Vec::new(),
        }
    }

    pub fn add(&mut self, served: &Served) {
        let second = served.began_us / 1_000_000;
        let Ok(index) = usize::try_from(second) else {
            return;
        };
        while self.seconds.len() <= index {
            let from_s = u64::try_from(self.seconds.len()).unwrap_or(u64::MAX);
            let row = self.row(from_s);
            self.seconds.push(row);
        }
        if let Some(row) = self.seconds.get_mut(index) {
            row.requests = row.requests.saturating_add(1);
            row.failed = row.failed.saturating_add(u64::from(served.status >= 400));
            let answers = served.endpoint.and_then(|e| row.answers.get_mut(e));
            if let Some(answers) = answers {
                *answers = answers.saturating_add(1);
            }
        }
    }

    /// The whole run in few rows of one length, which comes first, in seconds.
    pub fn rows(&self) -> (u64, Vec<Row>) {
        let seconds = u64::try_from(self.seconds.len()).unwrap_or(u64::MAX);
        let length = length(|length| seconds.div_ceil(length) <= ROWS);
        (length, self.by(length))
    }

    /// When traffic moved: where an endpoint answers less than a quarter of its usual share, the median, twice in a row.
    pub fn moves(&self) -> Vec<Move> {
        let all: u64 = self.seconds.iter().map(|row| row.requests).sum();
        let each = all as f64 / self.seconds.len().max(1) as f64;
        let length = length(|length| each * length as f64 >= FEWEST);
        let rows = self.by(length);
        let of = |endpoint| moves_of(endpoint, &rows);
        let mut moves: Vec<Move> = (0..self.endpoints).flat_map(of).collect();
        moves.sort_by_key(|one| (one.away_s, one.endpoint));
        moves
    }

    fn row(&self, from_s: u64) -> Row {
        Row {
            from_s,
            answers: vec![0; self.endpoints],
            ..Row::default()
        }
    }

    fn by(&self, length: u64) -> Vec<Row> {
        let chunks = self
            .seconds
            .chunks(usize::try_from(length).unwrap_or(1).max(1));
        chunks
            .map(|chunk| {
                let mut sum = self.row(chunk.first().map_or(0, |row| row.from_s));
                for row in chunk {
                    sum.requests = sum.requests.saturating_add(row.requests);
                    sum.failed = sum.failed.saturating_add(row.failed);
                    for (sum, more) in sum.answers.iter_mut().zip(&row.answers) {
                        *sum = sum.saturating_add(*more);
                    }
                }
                sum
            })
            .collect()
    }
}

impl Row {
    /// Of the answers of all endpoints.
    pub fn share(&self, endpoint: usize) -> f64 {
        let all: u64 = self.answers.iter().sum();
        let its = self.answers.get(endpoint).copied().unwrap_or(0);
        its as f64 / all.max(1) as f64
    }
}

fn length(fits: impl Fn(u64) -> bool) -> u64 {
    let found = LENGTHS.into_iter().find(|length| fits(*length));
    found.unwrap_or(86_400)
}

fn moves_of(endpoint: usize, rows: &[Row]) -> Vec<Move> {
    let shares: Vec<f64> = rows.iter().map(|row| row.share(endpoint)).collect();
    let mut sorted = shares.clone();
    sorted.sort_by(f64::total_cmp);
    let usual = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let is_less = |index: usize| shares.get(index).is_some_and(|share| *share < usual / 4.0);
    let mut moves: Vec<Move> = Vec::new();
    let mut away = false;
    for (index, row) in rows.iter().enumerate() {
        let next = index.saturating_add(1);
        let is_last = next == rows.len();
        if is_less(index) != away && (is_last || is_less(next) != away) {
            away = !away;
            match moves.last_mut() {
                Some(last) if !away => last.back_s = Some(row.from_s),
                _ => moves.push(Move {
                    endpoint,
                    away_s: row.from_s,
                    back_s: None,
                }),
            }
        }
    }
    moves
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests {
    use super::*;

    fn served(second: u64, endpoint: usize) -> Served {
        Served {
            began_us: second * 1_000_000,
            took_us: 0,
            isolate: 0,
            idempotent: true,
            home: None,
            tries: Vec::new(),
            hedges: 0,
            cancelled: 0,
            events: Vec::new(),
            status: if endpoint == 9 { 503 } else { 200 },
            endpoint: Some(endpoint).filter(|e| *e < 9),
            refused: false,
        }
    }

    #[test]
    fn it_is_told_when_traffic_moved_and_when_it_came_back() {
        let mut timeline = Timeline::new(2);
        for second in 0..100 {
            let ill = (30..45).contains(&second);
            for number in 0..50 {
                let endpoint = if ill { 1 } else { number % 2 };
                timeline.add(&served(second, endpoint));
            }
        }
        let moved = |away_s, back_s| Move {
            endpoint: 0,
            away_s,
            back_s,
        };
        assert_eq!(timeline.moves(), [moved(30, Some(45))]);
        for second in 100..110 {
            for _ in 0..50 {
                timeline.add(&served(second, 1));
            }
        }
        assert_eq!(timeline.moves(), [moved(30, Some(45)), moved(100, None)]);
    }

    #[test]
    fn a_run_is_told_in_few_rows_and_none_is_missing() {
        for (seconds, length, rows) in [(1, 1, 1), (24, 1, 24), (25, 2, 13), (240, 10, 24)] {
            let mut timeline = Timeline::new(1);
            for second in 0..seconds {
                timeline.add(&served(second, 0));
                timeline.add(&served(second, 9));
            }
            let (each, told) = timeline.rows();
            assert_eq!((each, told.len()), (length, rows));
            assert_eq!(
                told.iter().map(|row| row.requests).sum::<u64>(),
                seconds * 2
            );
            assert_eq!(told.iter().map(|row| row.failed).sum::<u64>(), seconds);
            assert_eq!(told.last().unwrap().from_s, length * (rows as u64 - 1));
        }
        assert_eq!(Timeline::new(1).rows().1, []);
        assert_eq!(Timeline::new(1).moves(), []);
    }
}
