//! JSON as rules look at it, read strictly: no name stands twice, so that nobody reads another value.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::auth::Claims;
use crate::plan::Number;

#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Data>),
    Map(Vec<(String, Data)>),
}

/// A claim by its name, or by the names on the way to it with dots between them.
///
/// # Errors
/// It is not sound JSON: it has a name twice, or a number that is too large.
pub fn claim(claims: &Claims, name: &str) -> Result<Option<Data>, serde_json::Error> {
    for (beginning, rest) in beginnings(name) {
        if let Some(json) = claims.json_of(beginning) {
            let data: Data = serde_json::from_str(json)?;
            return Ok(match rest {
                Some(rest) => data.find(rest).cloned(),
                None => Some(data),
            });
        }
    }
    Ok(None)
}

impl Data {
    pub fn member(&self, name: &str) -> Option<&Data> {
        match self {
            Data::Map(members) => members.iter().find(|(n, _)| n == name).map(|(_, d)| d),
            _ => None,
        }
    }

    fn find(&self, name: &str) -> Option<&Data> {
        let mut data = self;
        let mut name = name;
        'deeper: loop {
            for (beginning, rest) in beginnings(name) {
                match (data.member(beginning), rest) {
                    (Some(found), Some(rest)) => {
                        (data, name) = (found, rest);
                        continue 'deeper;
                    }
                    (Some(found), None) => return Some(found),
                    (None, _) => {}
                }
            }
            return None;
        }
    }
}

/// The whole name, then what stands before each dot with what follows it, the longest first.
fn beginnings(name: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let dots = name.rmatch_indices('.');
    let cut = dots.filter_map(|(at, _)| {
        let (beginning, rest) = name.split_at_checked(at)?;
        Some((beginning, rest.strip_prefix('.')))
    });
    [(name, None)].into_iter().chain(cut)
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Data, D::Error> {
        deserializer.deserialize_any(DataVisitor)
    }
}

struct DataVisitor;

impl<'de> Visitor<'de> for DataVisitor {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Data, E> {
        Ok(Data::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Data, E> {
        Ok(Data::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Data, E> {
        Ok(Data::Number(Number::Whole(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Data, E> {
        Ok(Data::Number(Number::Whole(value.into())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Data, E> {
        Ok(Data::Number(Number::Real(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Data, E> {
        Ok(Data::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Data, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = seq.next_element()? {
            list.push(element);
        }
        Ok(Data::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Data, A::Error> {
        let mut members: Vec<(String, Data)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Data>()? {
            // So many that looking each name up among the others stays cheap.
            if members.len() == MAX_MEMBERS || members.iter().any(|(n, _)| *n == name) {
                return Err(A::Error::custom("a name twice, or too many"));
            }
            members.push((name, value));
        }
        Ok(Data::Map(members))
    }
}

/// Of one object.
const MAX_MEMBERS: usize = 256;
