//! Changes to a set of header fields, in the form in which they cross to the platform: one string.

/// Header edits, in order. Names are lower case; values hold no CR, LF or NUL.
///
/// Each edit is two lines: a mark and the name, then the value. One string crosses from WebAssembly to JavaScript
/// far cheaper than a list of pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    text: String,
    count: usize,
}

/// One change to a set of header fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit<'a> {
    /// Replaces every field of the name.
    Set(&'a str, &'a str),
    /// Adds to the fields of the name.
    Append(&'a str, &'a str),
    /// Removes every field of the name.
    Remove(&'a str),
}

impl Edits {
    pub fn with_capacity(bytes: usize) -> Self {
        Edits {
            text: String::with_capacity(bytes),
            count: 0,
        }
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.push('=', name, value);
    }

    pub fn append(&mut self, name: &str, value: &str) {
        self.push('+', name, value);
    }

    pub fn remove(&mut self, name: &str) {
        self.push('-', name, "");
    }

    /// Adds edits that were written before.
    pub fn extend(&mut self, other: &Edits) {
        self.text.push_str(&other.text);
        self.count = self.count.saturating_add(other.count);
    }

    /// Adds `count` edits in their encoded form, in pieces. No piece may hold a line end but those that the form has:
    /// this is for names that are known and values that have been checked, on the way of every request.
    pub fn write(&mut self, count: usize, encoded: &[&str]) {
        self.text
            .reserve(encoded.iter().map(|piece| piece.len()).sum());
        for piece in encoded {
            self.text.push_str(piece);
        }
        self.count = self.count.saturating_add(count);
    }

    /// The encoded form; ends with a line feed unless empty.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How many edits there are.
    pub fn count(&self) -> usize {
        self.count
    }

    pub fn iter(&self) -> impl Iterator<Item = Edit<'_>> {
        let mut lines = self.text.split_terminator('\n');
        std::iter::from_fn(move || {
            let (head, value) = (lines.next()?, lines.next()?);
            Some(match head.split_at_checked(1)? {
                ("=", name) => Edit::Set(name, value),
                ("+", name) => Edit::Append(name, value),
                (_, name) => Edit::Remove(name),
            })
        })
    }

    fn push(&mut self, mark: char, name: &str, value: &str) {
        // Callers check values where they come from; a value that slipped through must not become another edit.
        let whole = !value.bytes().any(|b| matches!(b, b'\n' | b'\r' | 0));
        self.text.push(if whole { mark } else { '-' });
        self.text.push_str(name);
        self.text.push('\n');
        self.text.push_str(if whole { value } else { "" });
        self.text.push('\n');
        self.count = self.count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_read_back_as_written() {
        let mut edits = Edits::default();
        edits.set("via", "1.1 causeway");
        edits.remove("x-email");
        edits.append("vary", "Origin");
        edits.set("x-empty", "");
        let mut more = Edits::default();
        more.write(2, &["=x-a\n", "1", "\n-x-b\n", "\n"]);
        edits.extend(&more);
        let read: Vec<_> = edits.iter().collect();
        assert_eq!(
            read,
            [
                Edit::Set("via", "1.1 causeway"),
                Edit::Remove("x-email"),
                Edit::Append("vary", "Origin"),
                Edit::Set("x-empty", ""),
                Edit::Set("x-a", "1"),
                Edit::Remove("x-b"),
            ]
        );
        assert_eq!(edits.count(), read.len());
    }

    #[test]
    fn a_value_with_a_line_feed_cannot_become_another_edit() {
        let mut edits = Edits::default();
        edits.set("x-email", "a\n=x-admin\ntrue");
        assert_eq!(edits.iter().collect::<Vec<_>>(), [Edit::Remove("x-email")]);
    }
}
