//! What the path would ask of the caller. Who that is is not known here, so nothing is decided.

use causeway::plan::{ClaimRule, Constant, Number, PathEntry};

use super::Page;

pub fn explain(path: &PathEntry, page: &mut Page) {
    let Some(require) = &path.require else {
        return;
    };
    let mut lines = Vec::new();
    for (words, names) in [
        ("scopes: all of", &require.scopes),
        ("scopes: one of", &require.any_scope),
        ("groups: all of", &require.groups),
        ("groups: one of", &require.any_group),
    ] {
        if !names.is_empty() {
            lines.push(format!("{words} {}", names.join(", ")));
        }
    }
    for (name, rule) in &require.claims {
        let rule = match rule {
            ClaimRule::OneOf(constants) => format!("is {}", listed(constants, " or ")),
            ClaimRule::Contains(constants) => format!("holds {}", listed(constants, " and ")),
            ClaimRule::Exists(true) => "is there".to_owned(),
            ClaimRule::Exists(false) => "is not there".to_owned(),
        };
        lines.push(format!("claim {name} {rule}"));
    }
    if let Some(expression) = &require.expression {
        lines.push(format!("expression: {}", expression.text));
    }
    for (index, line) in lines.iter().enumerate() {
        page.line(if index == 0 { "require" } else { "" }, line);
    }
    let scopes = !require.scopes.is_empty() || !require.any_scope.is_empty();
    page.line(
        "",
        if scopes {
            "  403 insufficient_scope or forbidden if it does not hold"
        } else {
            "  403 forbidden if it does not hold"
        },
    );
}

fn listed(constants: &[Constant], word: &str) -> String {
    let shown: Vec<String> = constants.iter().map(constant).collect();
    shown.join(word)
}

fn constant(constant: &Constant) -> String {
    match constant {
        Constant::Null => "null".to_owned(),
        Constant::Bool(value) => value.to_string(),
        Constant::Number(Number::Whole(value)) => value.to_string(),
        Constant::Number(Number::Real(value)) => value.to_string(),
        Constant::Text(text) => format!("{text:?}"),
    }
}
