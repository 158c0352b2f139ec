//! Whether a path with conditions serves a request.

use std::borrow::Cow;

use super::mapping::values;
use crate::plan::{Condition, Test, When};

impl When {
    /// Whether all conditions hold. A field, given by its lower-case name, is compared as a whole, whatever lists it may
    /// hold; of a key that stands in the query several times, one value is enough.
    pub fn holds<'a>(
        &self,
        field: impl Fn(&str) -> Option<Cow<'a, str>>,
        query: Option<&str>,
    ) -> bool {
        let field = |condition: &Condition| {
            let value = field(&condition.name);
            condition.test.holds(value.as_deref().into_iter())
        };
        let key = |condition: &Condition| {
            let values = query.map(|query| values(query, &condition.name));
            condition.test.holds(values.into_iter().flatten())
        };
        self.headers.iter().all(field) && self.query.iter().all(key)
    }
}

impl Test {
    fn holds(&self, mut values: impl Iterator<Item = impl AsRef<str>>) -> bool {
        match self {
            Test::Present => values.next().is_some(),
            Test::Absent => values.next().is_none(),
            Test::OneOf(wanted) => {
                values.any(|value| wanted.iter().any(|wanted| wanted == value.as_ref()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(name: &str, test: Test) -> Condition {
        let name = name.into();
        Condition { name, test }
    }

    fn one_of(values: &[&str]) -> Test {
        Test::OneOf(values.iter().map(|v| (*v).to_owned()).collect())
    }

    #[test]
    fn a_field_must_be_as_the_condition_says() {
        let field = |name: &str| match name {
            "x-version" => Some("2".into()),
            "x-list" => Some("a, b".into()),
            _ => None,
        };
        for (name, test, holds) in [
            ("x-version", one_of(&["2"]), true),
            ("x-version", one_of(&["1", "2"]), true),
            ("x-version", one_of(&["1"]), false),
            ("x-version", Test::Present, true),
            ("x-version", Test::Absent, false),
            ("x-list", one_of(&["a"]), false),
            ("x-list", one_of(&["a, b"]), true),
            ("x-none", one_of(&["2"]), false),
            ("x-none", Test::Present, false),
            ("x-none", Test::Absent, true),
        ] {
            let when = When {
                headers: vec![condition(name, test.clone())],
                query: Vec::new(),
            };
            assert_eq!(when.holds(field, None), holds, "{name} {test:?}");
        }
    }

    #[test]
    fn a_key_must_be_as_the_condition_says_decoded() {
        for (query, test, holds) in [
            (None, Test::Absent, true),
            (None, Test::Present, false),
            (Some(""), Test::Present, false),
            (Some("b=1"), Test::Absent, true),
            (Some("a"), Test::Present, true),
            (Some("a="), Test::Absent, false),
            (Some("a=x+y"), one_of(&["x y"]), true),
            (Some("%61=x%20y"), one_of(&["x y"]), true),
            (Some("A=x"), one_of(&["x"]), false),
            (Some("a=1&a=2"), one_of(&["2"]), true),
            (Some("a=1&a=2"), one_of(&["3"]), false),
        ] {
            let when = When {
                headers: Vec::new(),
                query: vec![condition("a", test.clone())],
            };
            assert_eq!(when.holds(|_| None, query), holds, "{query:?} {test:?}");
        }
    }

    #[test]
    fn all_conditions_must_hold() {
        let field = |name: &str| (name == "x-a").then_some("1".into());
        let when = When {
            headers: vec![condition("x-a", Test::Present)],
            query: vec![condition("b", Test::Present)],
        };
        assert!(!when.holds(field, None));
        assert!(when.holds(field, Some("b")));
    }
}
