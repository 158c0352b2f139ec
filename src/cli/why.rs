//! Why one path goes before another, in words.

use causeway::route::Rank;

/// The rule of precedence that puts `first` before `second`: the first member of [`Rank`] in which they differ.
pub fn why(first: &Rank, second: &Rank) -> String {
    if first.host != second.host {
        return format!("{} goes before {}", first.host, second.host);
    }
    if first.wildcard != second.wildcard {
        return "a path without a wildcard goes before one with".to_owned();
    }
    let mut steps = first.steps.iter().zip(second.steps.iter()).zip(1..);
    if let Some(((one, other), position)) = steps.find(|((one, other), _)| one != other) {
        let (one, other) = (step(one), step(other));
        return format!("in segment {position} a {one} goes before a {other}");
    }
    if first.any_method != second.any_method {
        return "a path that names the method goes before ANY".to_owned();
    }
    if first.unconditional != second.unconditional {
        return "a path with conditions goes before one without".to_owned();
    }
    "it stands earlier in the file".to_owned()
}

fn step(step: causeway::route::Step) -> &'static str {
    match step {
        causeway::route::Step::Literal => "literal",
        causeway::route::Step::Parameter => "parameter",
        causeway::route::Step::Rest => "wildcard",
    }
}
