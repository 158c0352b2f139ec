//! A small reader of XML: as much of it as AWS answers with, and nothing else.
//!
//! Elements, their text, the five named entities and numeric ones. Attributes are skipped. A document type, comments,
//! sections of character data and instructions are not read: whoever sends one is not who was asked.

/// How deep elements may stand in each other.
const MAX_DEPTH: usize = 16;
/// How many elements there may be.
const MAX_ELEMENTS: usize = 256;

/// The elements that hold nothing but text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Leaves<'x>(Vec<(Vec<&'x str>, String)>);

impl<'x> Leaves<'x> {
    /// Reads a whole document. `None` where it is not sound, or has more in it than is read here.
    pub fn read(xml: &'x str) -> Option<Leaves<'x>> {
        let mut rest = xml.trim_start();
        if let Some(declaration) = rest.strip_prefix("<?xml ") {
            let (_, after) = declaration.split_once("?>")?;
            rest = after.trim_start();
        }
        let mut leaves = Leaves::default();
        let mut open: Vec<&str> = Vec::new();
        let mut count = 0_usize;
        // Whether the innermost element was the last that was opened, so that it may be a leaf.
        let mut is_leaf = false;
        loop {
            let (text, after) = rest.split_once('<')?;
            let (tag, after) = after.split_once('>')?;
            if open.is_empty() && !text.trim().is_empty() {
                return None;
            }
            if let Some(name) = tag.strip_prefix('/') {
                if open.last() != Some(&name.trim_end()) {
                    return None;
                }
                if is_leaf {
                    leaves.0.push((open.clone(), unescaped(text)?));
                }
                is_leaf = false;
                open.pop();
            } else {
                let (tag, is_empty) = match tag.strip_suffix('/') {
                    Some(tag) => (tag, true),
                    None => (tag, false),
                };
                count = count.checked_add(1)?;
                if open.len() >= MAX_DEPTH || count > MAX_ELEMENTS {
                    return None;
                }
                open.push(name_of(tag)?);
                is_leaf = !is_empty;
                if is_empty {
                    leaves.0.push((open.clone(), String::new()));
                    open.pop();
                }
            }
            rest = after;
            if open.is_empty() {
                return rest.trim().is_empty().then_some(leaves);
            }
        }
    }

    /// The text of the one element at these names, from the outermost on; `None` where there is none or more than one.
    pub fn get(&self, path: &[&str]) -> Option<&str> {
        let mut found = self.0.iter().filter(|(at, _)| at == path);
        let (_, text) = found.next()?;
        found.next().is_none().then_some(text)
    }

    /// The text of the first element whose place ends with these names.
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        let (_, text) = self.0.iter().find(|(at, _)| at.ends_with(names))?;
        Some(text)
    }
}

/// The name of a start tag, whose attributes hold no `>`.
fn name_of(tag: &str) -> Option<&str> {
    let name = tag.split_ascii_whitespace().next()?;
    let sound = !tag.starts_with(char::is_whitespace)
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':'));
    sound.then_some(name)
}

fn unescaped(text: &str) -> Option<String> {
    let mut pieces = text.split('&');
    let mut out = pieces.next()?.to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once(';')?;
        out.push(match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => character(name.strip_prefix('#')?)?,
        });
        out.push_str(rest);
    }
    Some(out)
}

fn character(number: &str) -> Option<char> {
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    if digits.starts_with('+') {
        return None;
    }
    char::from_u32(u32::from_str_radix(digits, radix).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_answers_is_read() {
        let xml = "<?xml version=\"1.0\"?>\n<A xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n <B>\n  \
                   <C>1 &lt; 2 &amp;&#38;&#x26;</C><D/><E a=\"b\" />\n  <F>é</F>\n </B>\n<G>1</G><G>2</G></A>\n";
        let leaves = Leaves::read(xml).unwrap();
        for (path, expected) in [
            (&["A", "B", "C"][..], Some("1 < 2 &&&")),
            (&["A", "B", "D"], Some("")),
            (&["A", "B", "E"], Some("")),
            (&["A", "B", "F"], Some("é")),
            (&["A", "B"], None),
            (&["A", "G"], None),
            (&["B", "C"], None),
        ] {
            assert_eq!(leaves.get(path), expected, "{path:?}");
        }
        assert_eq!(leaves.first(&["G"]), Some("1"));
        assert_eq!(leaves.first(&["B", "F"]), Some("é"));
        assert_eq!(leaves.first(&["A", "F"]), None);
    }

    #[test]
    fn what_is_not_sound_is_not_read() {
        let deep = "<a>".repeat(100) + &"</a>".repeat(100);
        let many = format!("<a>{}</a>", "<b/>".repeat(1000));
        for xml in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a></a><b></b>",
            "<a></a>text",
            "text<a></a>",
            "<a><b></a></b>",
            "<a>&unknown;</a>",
            "<a>&amp</a>",
            "<a>&#xd800;</a>",
            "<a>&#+38;</a>",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
            "<a><!-- --></a>",
            "<a><![CDATA[b]]></a>",
            "<a><?b?></a>",
            "< a></a>",
            "<></>",
            &deep,
            &many,
        ] {
            assert_eq!(Leaves::read(xml), None, "{xml}");
        }
    }
}
