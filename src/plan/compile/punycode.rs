//! Hosts in letters beyond ASCII: their one spelling in a request is Punycode (RFC 3492), in labels that start with `xn--`.
//!
//! Which letters a name may have, and which of them are the same, is said by long tables (UTS #46). Without these, only
//! what they leave alone is read: small letters and digits, composed, that are not another form of others.

use std::borrow::Cow;

use super::url::is_host;

/// The host as requests have it, in lower case. `None` if it is none, or not plainly spelled.
pub(super) fn ascii_host(host: &str) -> Option<Cow<'_, str>> {
    if host.is_ascii() {
        return is_host(host).then(|| match host.bytes().any(|b| b.is_ascii_uppercase()) {
            true => Cow::Owned(host.to_ascii_lowercase()),
            false => Cow::Borrowed(host),
        });
    }
    let labels: Option<Vec<Cow<'_, str>>> = host.split('.').map(ascii_label).collect();
    let host = labels?.join(".");
    is_host(&host).then_some(Cow::Owned(host))
}

fn ascii_label(label: &str) -> Option<Cow<'_, str>> {
    if label.is_ascii() {
        return Some(Cow::Owned(label.to_ascii_lowercase()));
    }
    let small: String = label.chars().flat_map(char::to_lowercase).collect();
    if !small.chars().all(is_plain) {
        return None;
    }
    Some(Cow::Owned(format!("xn--{}", encode(&small)?)))
}

/// Whether the tables would leave a small letter as it is.
fn is_plain(letter: char) -> bool {
    match letter {
        'a'..='z' | '0'..='9' | '-' => true,
        // Marks that compose with the letter before them, and letters that stand for others: ligatures, digraphs, and
        // whatever is there for compatibility's sake.
        '\0'..='\u{df}' | '\u{132}'..='\u{133}' | '\u{13f}'..='\u{140}' | '\u{149}' | '\u{17f}' => {
            letter == '\u{df}'
        }
        '\u{1c4}'..='\u{1cc}'
        | '\u{1f1}'..='\u{1f3}'
        | '\u{2b0}'..='\u{36f}'
        | '\u{37a}'..='\u{387}'
        | '\u{3d0}'..='\u{3d6}'
        | '\u{3f0}'..='\u{3f9}'
        | '\u{587}'
        | '\u{675}'..='\u{678}'
        | '\u{958}'..='\u{95f}'
        | '\u{9dc}'..='\u{9df}'
        | '\u{a33}'
        | '\u{a36}'
        | '\u{a59}'..='\u{a5e}'
        | '\u{b5c}'..='\u{b5d}'
        | '\u{e33}'
        | '\u{eb3}'
        | '\u{edc}'..='\u{edd}'
        | '\u{f00}'..='\u{fff}'
        | '\u{1100}'..='\u{11ff}'
        | '\u{13a0}'..='\u{13ff}'
        | '\u{1d00}'..='\u{1dbf}'
        | '\u{1f00}'..='\u{2c5f}'
        | '\u{2c7c}'..='\u{2c7d}'
        | '\u{309b}'..='\u{309c}'
        | '\u{309f}'
        | '\u{30ff}'
        | '\u{3130}'..='\u{33ff}'
        | '\u{a640}'..='\u{abff}'
        | '\u{d7b0}'..='\u{ffff}'
        | '\u{10000}'.. => false,
        letter => letter.is_alphanumeric(),
    }
}

/// RFC 3492 section 6.3. `None` if a number is too large for it.
fn encode(label: &str) -> Option<String> {
    let mut encoded: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(encoded.len()).ok()?;
    if basic > 0 {
        encoded.push('-');
    }
    let count = u32::try_from(label.chars().count()).ok()?;
    let (mut n, mut delta, mut bias, mut handled) = (128_u32, 0_u32, 72_u32, basic);
    while handled < count {
        let next = label.chars().map(u32::from).filter(|c| *c >= n).min()?;
        let steps = next.checked_sub(n)?.checked_mul(handled.checked_add(1)?)?;
        delta = delta.checked_add(steps)?;
        n = next;
        for c in label.chars().map(u32::from) {
            if c < n {
                delta = delta.checked_add(1)?;
            } else if c == n {
                push_number(delta, bias, &mut encoded)?;
                let after = handled.checked_add(1)?;
                bias = adapted(delta, after, handled == basic)?;
                delta = 0;
                handled = after;
            }
        }
        delta = delta.checked_add(1)?;
        n = n.checked_add(1)?;
    }
    Some(encoded)
}

/// A number of variable length (RFC 3492 section 3.3).
fn push_number(number: u32, bias: u32, encoded: &mut String) -> Option<()> {
    let mut rest = number;
    let mut k = BASE;
    loop {
        let threshold = k.saturating_sub(bias).clamp(1, 26);
        if rest < threshold {
            break;
        }
        let over = rest.checked_sub(threshold)?;
        let span = BASE.checked_sub(threshold)?;
        encoded.push(digit(threshold.checked_add(over.checked_rem(span)?)?)?);
        rest = over.checked_div(span)?;
        k = k.checked_add(BASE)?;
    }
    encoded.push(digit(rest)?);
    Some(())
}

fn digit(value: u32) -> Option<char> {
    // `a` to `z` are 0 to 25, digits what follows.
    let byte = match value {
        0..=25 => value.checked_add(97)?,
        _ => value.checked_add(22)?,
    };
    char::from_u32(byte)
}

/// RFC 3492 section 6.1.
fn adapted(delta: u32, points: u32, first: bool) -> Option<u32> {
    let mut delta = delta.checked_div(if first { 700 } else { 2 })?;
    delta = delta.checked_add(delta.checked_div(points)?)?;
    let mut k = 0_u32;
    while delta > 455 {
        delta = delta.checked_div(35)?;
        k = k.checked_add(BASE)?;
    }
    let last = delta.checked_mul(36)?.checked_div(delta.checked_add(38)?)?;
    k.checked_add(last)
}

const BASE: u32 = 36;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_in_letters_is_its_punycode() {
        for (written, expected) in [
            ("münchen.example", Some("xn--mnchen-3ya.example")),
            ("MÜNCHEN.Example", Some("xn--mnchen-3ya.example")),
            ("bücher.example", Some("xn--bcher-kva.example")),
            ("faß.de", Some("xn--fa-hia.de")),
            ("пример.испытание", Some("xn--e1afmkfd.xn--80akhbyknj4f")),
            ("例え.テスト", Some("xn--r8jz45g.xn--zckzah")),
            ("中文.example", Some("xn--fiq228c.example")),
            ("API.example.com", Some("api.example.com")),
            ("xn--mnchen-3ya.example", Some("xn--mnchen-3ya.example")),
            // Decomposed, a ligature, full width, an invisible character, an emoji.
            ("mu\u{308}nchen.example", None),
            ("o\u{fb03}ce.example", None),
            ("\u{ff41}pi.example", None),
            ("a\u{200d}b.example", None),
            ("\u{1f600}.example", None),
            ("a b.example", None),
        ] {
            assert_eq!(ascii_host(written).as_deref(), expected, "{written}");
        }
    }
}
