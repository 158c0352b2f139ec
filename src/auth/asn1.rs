//! The Distinguished Encoding Rules of ASN.1 (X.690), as far as keys and certificates need them: elements of up to 64 KB.

pub const BOOLEAN: u8 = 0x01;
pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const NULL: u8 = 0x05;
pub const OBJECT_IDENTIFIER: u8 = 0x06;
pub const SEQUENCE: u8 = 0x30;

/// An element of any type.
pub struct Element<'a> {
    pub tag: u8,
    pub content: &'a [u8],
}

/// The content of an element that is all of `der`.
pub fn whole(der: &[u8], tag: u8) -> Option<&[u8]> {
    element(der, tag)
        .filter(|(_, rest)| rest.is_empty())
        .map(|(content, _)| content)
}

/// The content of the first element, which is of this type, and what follows it.
pub fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (element, rest) = any(der)?;
    (element.tag == tag).then_some((element.content, rest))
}

/// The first element, and what follows it (X.690 section 8.1, lengths as of section 10.1). `None` for a type whose number
/// takes more than one byte.
pub fn any(der: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&[tag, short], rest) = der.split_first_chunk::<2>()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (length, rest) = match short {
        0..=0x7f => (usize::from(short), rest),
        0x81 => {
            let (length, rest) = rest.split_first()?;
            (*length >= 0x80).then_some((usize::from(*length), rest))?
        }
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            let length = u16::from_be_bytes(*length);
            (length >= 0x100).then_some((usize::from(length), rest))?
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((Element { tag, content }, rest))
}
