//! From the text of a condition to what the gateway evaluates.
//!
//! The grammar is the crate's; what a condition may say is a part of the language, listed here. The crate's own
//! evaluation stays out of the worker: it would add more than 100 KB of compressed WebAssembly, and bounds no time.

use cel::common::ast::{
    CallExpr, ComprehensionExpr, Expr as Ast, IdedExpr, LiteralValue, operators,
};
use cel::parser::PrattParser;

use super::flaw::{At, Flaw, VOCABULARY, place, syntax, unsupported, unwritten, whole};
use super::pattern::Pattern;
use crate::config::{Context, Name, closest};
use crate::plan::{Comparison, Constant, Expr, Expression, Number, Quantifier, TextTest};

/// Bytes of a condition.
const MAX_LENGTH: usize = 2_000;

/// How deep conditions are nested at most, as written and as compiled.
const MAX_DEPTH: u16 = 32;

/// Compiles a condition. Without a pattern, it cannot name parameters.
pub(super) fn compile(
    written: Name<'_>,
    pattern: Option<&Pattern<'_>>,
    cx: &mut Context,
) -> Option<Expression> {
    parse(written.value, pattern)
        .map_err(|flaw| {
            let diagnostic = cx.error(place(written, &flaw), flaw.code, flaw.message);
            if let Some(help) = flaw.help {
                diagnostic.help(help);
            }
        })
        .ok()
}

fn parse(text: &str, pattern: Option<&Pattern<'_>>) -> Result<Expression, Flaw> {
    if text.len() > MAX_LENGTH {
        let message = format!("this expression is longer than {MAX_LENGTH} bytes");
        return Err(whole("bad_expression", message));
    }
    let parser = PrattParser::new()
        .max_recursion_depth(MAX_DEPTH)
        .error_recovery_limit(1);
    let ast = parser.parse(text).map_err(|errors| syntax(text, &errors))?;
    let mut reader = Reader {
        pattern,
        elements: Vec::new(),
        claims: Vec::new(),
        depth: 0,
    };
    let root = reader.read(&ast)?;
    if !may_be_bool(&root) {
        return Err(whole(
            "bad_expression",
            "this expression is neither true nor false",
        ));
    }
    if matches!(root, Expr::Constant(_)) {
        return Err(whole(
            "bad_expression",
            "this expression is the same for every caller",
        ));
    }
    Ok(Expression {
        text: text.to_owned(),
        claims: reader.claims,
        root,
    })
}

/// Whether a value can be true or false; what a claim holds is not known yet.
fn may_be_bool(expr: &Expr) -> bool {
    match expr {
        Expr::Constant(constant) => matches!(constant, Constant::Bool(_)),
        Expr::List(_)
        | Expr::Method
        | Expr::Path
        | Expr::Host
        | Expr::Header(_)
        | Expr::Query(_)
        | Expr::Parameter(_)
        | Expr::Size(_) => false,
        Expr::If(parts) => may_be_bool(&parts.1) && may_be_bool(&parts.2),
        _ => true,
    }
}

/// The same of a list or an object.
fn may_be_list(expr: &Expr) -> bool {
    match expr {
        Expr::Constant(_)
        | Expr::Method
        | Expr::Path
        | Expr::Host
        | Expr::Header(_)
        | Expr::Query(_)
        | Expr::Parameter(_)
        | Expr::Size(_) => false,
        Expr::If(parts) => may_be_list(&parts.1) || may_be_list(&parts.2),
        _ => true,
    }
}

fn no_list(written: Option<&str>) -> Flaw {
    Flaw {
        code: "bad_expression",
        message: "`in` asks what is no list: it would refuse everybody".into(),
        help: Some(match written {
            Some(text) => {
                format!("write a list, `['{text}']`; for a part of a text write `.contains(...)`")
            }
            None => "write a list; for a part of a text write `.contains(...)`".into(),
        }),
        at: At::Word(" in ".into()),
    }
}

struct Reader<'p> {
    pattern: Option<&'p Pattern<'p>>,
    /// Names of what the quantifiers stand at, the outermost first.
    elements: Vec<String>,
    claims: Vec<String>,
    depth: u16,
}

/// What stands before a dot or an index.
enum Root {
    Claims,
    Headers,
    Query,
    Params,
    Request,
}

impl Reader<'_> {
    fn read(&mut self, ast: &IdedExpr) -> Result<Expr, Flaw> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return Err(whole(
                "bad_expression",
                "this expression is nested too deeply",
            ));
        }
        let read = self.node(&ast.expr);
        self.depth = self.depth.saturating_sub(1);
        read
    }

    fn node(&mut self, ast: &Ast) -> Result<Expr, Flaw> {
        match ast {
            Ast::Literal(literal) => constant(literal).map(Expr::Constant),
            Ast::List(list) if list.optional_indices.is_empty() => {
                let elements = list.elements.iter().map(|element| self.read(element));
                elements.collect::<Result<_, _>>().map(Expr::List)
            }
            Ast::Ident(name) => self.identifier(name),
            Ast::Select(select) => match self.root(&select.operand.expr) {
                Some(root) => self.known(root, &select.field, select.test),
                None => {
                    let of = Box::new(self.read(&select.operand)?);
                    let name = select.field.clone();
                    Ok(match select.test {
                        true => Expr::HasMember(of, name),
                        false => Expr::Member(of, name),
                    })
                }
            },
            Ast::Call(call) => self.call(call),
            Ast::Comprehension(comprehension) => self.quantified(comprehension),
            Ast::Map(_) | Ast::Struct(_) => Err(unsupported("{")),
            Ast::List(_) | Ast::Unspecified => Err(unsupported("?")),
        }
    }

    fn identifier(&self, name: &str) -> Result<Expr, Flaw> {
        if let Some(index) = self.element(name) {
            return Ok(Expr::Element(index));
        }
        if matches!(name, "claims" | "request" | "params") {
            let message = format!("`{name}` has no value of its own here");
            return Err(Flaw {
                code: "bad_expression",
                message,
                help: Some(format!("name a member of it, such as `{name}.NAME`")),
                at: At::Word(name.to_owned()),
            });
        }
        let near = closest(name, ["claims", "request", "params"]);
        Err(Flaw {
            code: "bad_expression",
            message: format!("there is no `{name}` in expressions"),
            help: Some(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("what can be used: {VOCABULARY}"),
            }),
            at: At::Word(name.to_owned()),
        })
    }

    /// The innermost quantifier's element of this name.
    fn element(&self, name: &str) -> Option<u16> {
        let index = self.elements.iter().rposition(|other| other == name)?;
        u16::try_from(index).ok()
    }

    /// Whether members of this are known by their names alone.
    fn root(&self, ast: &Ast) -> Option<Root> {
        match ast {
            Ast::Ident(name) if self.element(name).is_none() => match name.as_str() {
                "claims" => Some(Root::Claims),
                "params" => Some(Root::Params),
                "request" => Some(Root::Request),
                _ => None,
            },
            Ast::Select(select) if !select.test => {
                let operand = self.root(&select.operand.expr)?;
                match (operand, select.field.as_str()) {
                    (Root::Request, "headers") => Some(Root::Headers),
                    (Root::Request, "query") => Some(Root::Query),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// A member of a root, or whether it is there.
    fn known(&mut self, root: Root, name: &str, test: bool) -> Result<Expr, Flaw> {
        match (root, test) {
            (Root::Claims, false) => self.claim(name).map(Expr::Claim),
            (Root::Claims, true) => self.claim(name).map(Expr::HasClaim),
            (Root::Headers, false) => Ok(Expr::Header(name.to_ascii_lowercase())),
            (Root::Headers, true) => Ok(Expr::HasHeader(name.to_ascii_lowercase())),
            (Root::Query, false) => Ok(Expr::Query(name.to_owned())),
            (Root::Query, true) => Ok(Expr::HasQuery(name.to_owned())),
            (Root::Params, test) => {
                self.parameter(name)?;
                Ok(match test {
                    true => Expr::Constant(Constant::Bool(true)),
                    false => Expr::Parameter(name.to_owned()),
                })
            }
            (Root::Request, false) => match name {
                "method" => Ok(Expr::Method),
                "path" => Ok(Expr::Path),
                "host" => Ok(Expr::Host),
                _ => Err(Flaw {
                    code: "bad_expression",
                    message: format!("`request` has no `{name}` to be used like this"),
                    help: Some(
                        "it has `method`, `path`, `host`, `headers[\"NAME\"]` and `query[\"NAME\"]`"
                            .into(),
                    ),
                    at: At::Word(name.to_owned()),
                }),
            },
            (Root::Request, true) => Err(unsupported("has")),
        }
    }

    fn claim(&mut self, name: &str) -> Result<u16, Flaw> {
        let index = match self.claims.iter().position(|other| other == name) {
            Some(index) => index,
            None => {
                self.claims.push(name.to_owned());
                self.claims.len().saturating_sub(1)
            }
        };
        u16::try_from(index).map_err(|_| whole("bad_expression", "too many claims are named"))
    }

    fn parameter(&self, name: &str) -> Result<(), Flaw> {
        let Some(pattern) = self.pattern else {
            return Err(Flaw {
                code: "bad_expression",
                message: "`params` cannot be used in `defaults`: each path has its own".into(),
                help: None,
                at: At::Word("params".into()),
            });
        };
        if pattern.parameters().any(|other| other == name) {
            return Ok(());
        }
        Err(Flaw {
            code: "unknown_parameter",
            message: format!("the path has no parameter `{name}`"),
            help: None,
            at: At::Word(name.to_owned()),
        })
    }

    fn call(&mut self, call: &CallExpr) -> Result<Expr, Flaw> {
        let name = call.func_name.as_str();
        match (name, call.target.as_deref(), call.args.as_slice()) {
            (operators::LOGICAL_NOT, None, [of]) => Ok(Expr::Not(Box::new(self.read(of)?))),
            (operators::LOGICAL_AND, None, [a, b]) => self.pair(a, b).map(Expr::And),
            (operators::LOGICAL_OR, None, [a, b]) => self.pair(a, b).map(Expr::Or),
            (operators::CONDITIONAL, None, [condition, then, other]) => {
                let parts = (self.read(condition)?, self.read(then)?, self.read(other)?);
                Ok(Expr::If(Box::new(parts)))
            }
            (operators::EQUALS, None, [a, b]) => self.compared(Comparison::Equal, a, b),
            (operators::NOT_EQUALS, None, [a, b]) => self.compared(Comparison::NotEqual, a, b),
            (operators::LESS, None, [a, b]) => self.compared(Comparison::Less, a, b),
            (operators::LESS_EQUALS, None, [a, b]) => self.compared(Comparison::LessOrEqual, a, b),
            (operators::GREATER, None, [a, b]) => self.compared(Comparison::Greater, a, b),
            (operators::GREATER_EQUALS, None, [a, b]) => {
                self.compared(Comparison::GreaterOrEqual, a, b)
            }
            (operators::NEGATE, None, [of]) => match self.read(of)? {
                Expr::Constant(Constant::Number(number)) => {
                    Ok(Expr::Constant(Constant::Number(match number {
                        Number::Whole(whole) => Number::Whole(whole.saturating_neg()),
                        Number::Real(real) => Number::Real(-real),
                    })))
                }
                _ => Err(unsupported("-")),
            },
            (operators::IN, None, [wanted, within]) => {
                match (self.root(&within.expr), literal_text(wanted)) {
                    (Some(root), Some(name)) => self.known(root, name, true),
                    (Some(_), None) => Err(unwritten("in")),
                    (None, _) => {
                        let both = self.pair(wanted, within)?;
                        match may_be_list(&both.1) {
                            true => Ok(Expr::In(both)),
                            false => Err(no_list(literal_text(within))),
                        }
                    }
                }
            }
            (operators::INDEX, None, [of, at]) => match (self.root(&of.expr), literal_text(at)) {
                (Some(root), Some(name)) => self.known(root, name, false),
                (Some(_), None) => Err(unwritten("[")),
                (None, _) => {
                    let (of, at) = (self.read(of)?, self.read(at)?);
                    Ok(Expr::Index(Box::new(of), Box::new(at)))
                }
            },
            ("size", None, [of]) | ("size", Some(of), []) => {
                Ok(Expr::Size(Box::new(self.read(of)?)))
            }
            ("startsWith", Some(of), [part]) => self.tested(TextTest::StartsWith, of, part),
            ("endsWith", Some(of), [part]) => self.tested(TextTest::EndsWith, of, part),
            ("contains", Some(of), [part]) => self.tested(TextTest::Contains, of, part),
            _ => Err(unsupported(&as_written(name))),
        }
    }

    fn pair(&mut self, a: &IdedExpr, b: &IdedExpr) -> Result<Box<(Expr, Expr)>, Flaw> {
        Ok(Box::new((self.read(a)?, self.read(b)?)))
    }

    fn compared(&mut self, by: Comparison, a: &IdedExpr, b: &IdedExpr) -> Result<Expr, Flaw> {
        Ok(Expr::Compare(by, self.pair(a, b)?))
    }

    fn tested(&mut self, test: TextTest, of: &IdedExpr, part: &IdedExpr) -> Result<Expr, Flaw> {
        Ok(Expr::Text(test, self.pair(of, part)?))
    }

    /// The parser has written `all`, `exists` and `exists_one` out as loops (CEL specification, section "Macros"); their
    /// starting values tell them apart, and the condition has its place in the loop's step.
    fn quantified(&mut self, loops: &ComprehensionExpr) -> Result<Expr, Flaw> {
        let (quantifier, at) = match &loops.accu_init.expr {
            Ast::Literal(LiteralValue::Boolean(all)) if *all.inner() => (Quantifier::All, 1),
            Ast::Literal(LiteralValue::Boolean(_)) => (Quantifier::Exists, 1),
            Ast::Literal(LiteralValue::Int(_)) => (Quantifier::ExistsOne, 0),
            _ => {
                return Err(Flaw {
                    code: "bad_expression",
                    message: "`map` and `filter` cannot be used in an expression".into(),
                    help: Some("`all`, `exists` and `exists_one` can".into()),
                    at: At::Whole,
                });
            }
        };
        let Ast::Call(step) = &loops.loop_step.expr else {
            return Err(unsupported(&loops.iter_var));
        };
        let condition = step
            .args
            .get(at)
            .ok_or_else(|| unsupported(&loops.iter_var))?;
        if self.root(&loops.iter_range.expr).is_some() {
            return Err(unwritten("all names"));
        }
        let list = self.read(&loops.iter_range)?;
        self.elements.push(loops.iter_var.clone());
        let condition = self.read(condition);
        self.elements.pop();
        Ok(Expr::Quantified(quantifier, Box::new((list, condition?))))
    }
}

fn constant(literal: &LiteralValue) -> Result<Constant, Flaw> {
    Ok(match literal {
        LiteralValue::Null => Constant::Null,
        LiteralValue::Boolean(value) => Constant::Bool(*value.inner()),
        LiteralValue::Int(value) => Constant::Number(Number::Whole((*value.inner()).into())),
        LiteralValue::UInt(value) => Constant::Number(Number::Whole((*value.inner()).into())),
        LiteralValue::Double(value) if value.inner().is_finite() => {
            Constant::Number(Number::Real(*value.inner()))
        }
        LiteralValue::String(value) => Constant::Text(value.inner().to_owned()),
        LiteralValue::Double(_) => return Err(whole("bad_expression", "a number is too large")),
        LiteralValue::Bytes(_) => return Err(unsupported("b")),
    })
}

fn literal_text(ast: &IdedExpr) -> Option<&str> {
    match &ast.expr {
        Ast::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

/// An operator as people write it, from its name in the tree, such as `_+_`.
fn as_written(name: &str) -> String {
    let bare = name.trim_matches('_');
    match bare.is_empty() {
        true => name.to_owned(),
        false => bare.to_owned(),
    }
}
