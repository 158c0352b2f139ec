//! Aliases: declared once, looked up by every path.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::config::{Context, Name, Span, Spanned};
use crate::plan::Fault;

/// The aliases of one kind of thing.
pub(super) struct Names<'a> {
    /// What the thing is called in messages.
    kind: &'static str,
    /// With a fixed hash: the names are the config's own, so no client can choose them to collide.
    by_name: HashMap<&'a str, Declared, FixedState>,
    /// Whether every alias could be read. If not, an unknown one may be among the unread.
    complete: bool,
}

#[derive(Clone, Copy)]
struct Declared {
    /// `None` if the thing behind the alias is not understood.
    index: Option<u16>,
    span: Span,
}

impl<'a> Names<'a> {
    pub fn new(kind: &'static str) -> Names<'a> {
        Names {
            kind,
            by_name: HashMap::default(),
            complete: true,
        }
    }

    /// Adds an alias for the thing at `index`, unless it is taken or not understood. `usable` says whether the thing
    /// itself is understood. Gives the alias if the thing is to be kept.
    pub fn declare(
        &mut self,
        alias: Option<&Name<'a>>,
        usable: bool,
        index: usize,
        cx: &mut Context,
    ) -> Option<Name<'a>> {
        let Some(alias) = alias else {
            self.complete = false;
            return None;
        };
        if let Some(first) = self.by_name.get(alias.value) {
            cx.error(
                alias.span,
                "duplicate_alias",
                format!("there are two {}s named `{}`", self.kind, alias.value),
            )
            .label("again here")
            .note(first.span, "first here");
            // Neither can be meant.
            let span = first.span;
            self.by_name
                .insert(alias.value, Declared { index: None, span });
            return None;
        }
        let index = match u16::try_from(index) {
            Ok(index) => usable.then_some(index),
            Err(_) => {
                cx.error(
                    alias.span,
                    "too_many",
                    format!("there are more than 65536 {}s", self.kind),
                );
                None
            }
        };
        self.by_name.insert(
            alias.value,
            Declared {
                index,
                span: alias.span,
            },
        );
        index.map(|_| *alias)
    }

    /// The index behind an alias.
    ///
    /// # Errors
    /// With an error in `cx` if there is no such alias; without one if what is wrong with it was told where it stands.
    pub fn find(&self, alias: Spanned<&str>, cx: &mut Context) -> Result<u16, Fault> {
        let Spanned { value, span } = alias;
        if let Some(declared) = self.by_name.get(value) {
            return declared.index.ok_or_else(|| Fault {
                code: "faulty_alias".to_owned(),
                message: format!("the {} `{value}` is not understood", self.kind),
            });
        }
        let message = format!("there is no {} `{value}`", self.kind);
        if self.complete {
            let near = cx.closest(value, self.by_name.keys().copied());
            let diagnostic = cx.error(span, "unknown_alias", message.clone());
            diagnostic.label("unknown").suggest(near);
            if self.by_name.is_empty() {
                diagnostic.help(format!("the config names no {}", self.kind));
            }
        }
        Err(Fault {
            code: "unknown_alias".to_owned(),
            message,
        })
    }
}
