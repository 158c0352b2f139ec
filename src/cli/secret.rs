//! A secret from standard input: what is piped in, or what somebody types at a terminal, unseen.

use std::io::{self, IsTerminal, Read};

use super::Failure;

/// Reads a secret, which is `what`. At a terminal it is asked for: `twice` where a slip would not be noticed before it
/// is needed. What is piped in loses the end of its line.
pub fn read(what: &str, twice: bool) -> Result<String, Failure> {
    let text = match io::stdin().is_terminal() {
        true => typed(what, twice)?,
        false => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).map_err(unreadable)?;
            text
        }
    };
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn typed(what: &str, twice: bool) -> Result<String, Failure> {
    let terminal = terminal::Unseen::begin().map_err(unreadable)?;
    let first = terminal.ask(what)?;
    if twice && terminal.ask(&format!("{what} again"))? != first {
        return Err(Failure("the two are not the same".to_owned()));
    }
    Ok(first)
}

fn unreadable(error: io::Error) -> Failure {
    Failure(format!("standard input cannot be read: {error}"))
}

#[cfg(unix)]
mod terminal {
    use std::io::{self, BufRead};

    use nix::sys::termios::{
        LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
    };

    use super::{Failure, unreadable};

    /// While it lives, the terminal does not show what is typed.
    pub struct Unseen {
        before: Termios,
        interrupt: Option<char>,
    }

    impl Unseen {
        pub fn begin() -> io::Result<Unseen> {
            let before = tcgetattr(io::stdin())?;
            let mut unseen = before.clone();
            // Ctrl-C ends the line, and not this process: nobody else would let the terminal show things again.
            unseen
                .local_flags
                .remove(LocalFlags::ECHO | LocalFlags::ISIG);
            let characters = &mut unseen.control_chars;
            let key = characters
                .get(SpecialCharacterIndices::VINTR as usize)
                .copied();
            let end = characters.get_mut(SpecialCharacterIndices::VEOL as usize);
            if let (Some(key), Some(end)) = (key, end) {
                *end = key;
            }
            // What was typed before is not the answer.
            tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &unseen)?;
            let interrupt = key.filter(|&key| key != 0).map(char::from);
            Ok(Unseen { before, interrupt })
        }

        pub fn ask(&self, what: &str) -> Result<String, Failure> {
            eprint!("{what}: ");
            let line = line();
            eprintln!();
            let line = line.map_err(unreadable)?;
            match self.interrupt {
                Some(key) if line.ends_with(key) => Err(Failure("interrupted".to_owned())),
                _ => Ok(line),
            }
        }
    }

    /// What the terminal gives at once, which is a line, whatever ended it.
    fn line() -> io::Result<String> {
        let mut input = io::stdin().lock();
        let bytes = input.fill_buf()?.to_vec();
        input.consume(bytes.len());
        String::from_utf8(bytes).map_err(io::Error::other)
    }

    impl Drop for Unseen {
        fn drop(&mut self) {
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &self.before);
        }
    }
}

#[cfg(not(unix))]
mod terminal {
    use std::io;

    use super::{Failure, unreadable};

    /// Shown here: the terminal of this system is not known.
    pub struct Unseen;

    impl Unseen {
        pub fn begin() -> io::Result<Unseen> {
            Ok(Unseen)
        }

        pub fn ask(&self, what: &str) -> Result<String, Failure> {
            eprint!("{what}: ");
            let mut line = String::new();
            io::stdin().read_line(&mut line).map_err(unreadable)?;
            Ok(line)
        }
    }
}
