//! What the command line asks for.

use anyhow::{Context, Result, bail};

use super::case::CASES;

/// The part that measures cold starts.
pub const COLD: &str = "cold";

/// The part that measures memory.
pub const MEMORY: &str = "memory";

/// How much is measured.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    /// How often each worker is under load.
    pub rounds: usize,
    /// For how long each time.
    pub seconds: u32,
    /// Cold starts of each worker.
    pub starts: usize,
    /// Rewrites the tables of docs/performance.md.
    pub write: bool,
    /// Empty: everything.
    cases: Vec<String>,
}

impl Options {
    pub fn read(args: &[String]) -> Result<Options> {
        let mut options = Options {
            rounds: 15,
            seconds: 2,
            starts: 21,
            write: false,
            cases: Vec::new(),
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || {
                args.next()
                    .with_context(|| format!("`{arg}` needs a value"))
            };
            match arg.as_str() {
                "--quick" => (options.rounds, options.seconds, options.starts) = (3, 1, 5),
                "--write" => options.write = true,
                "--rounds" => options.rounds = number(arg, value()?)?,
                "--seconds" => options.seconds = number(arg, value()?)?,
                "--starts" => options.starts = number(arg, value()?)?,
                "--case" => options.cases.push(case(value()?)?),
                other => bail!("`bench` has no option `{other}`"),
            }
        }
        if options.write && !options.cases.is_empty() {
            bail!("`--write` replaces all tables: it cannot stand beside `--case`");
        }
        Ok(options)
    }

    /// Whether a case or a part is to be measured.
    pub fn wants(&self, name: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|case| case == name)
    }

    /// The command that measures the same again.
    pub fn command(&self) -> String {
        let (rounds, seconds, starts) = (self.rounds, self.seconds, self.starts);
        let mut text =
            format!("cargo xtask bench --rounds {rounds} --seconds {seconds} --starts {starts}");
        for case in &self.cases {
            text.extend([" --case ", case]);
        }
        text
    }
}

fn number<N: std::str::FromStr + PartialEq + Default>(option: &str, text: &str) -> Result<N> {
    match text.parse() {
        Ok(number) if number != N::default() => Ok(number),
        _ => bail!("`{option}` takes a number above 0, not `{text}`"),
    }
}

fn case(name: &str) -> Result<String> {
    let known: Vec<&str> = CASES
        .iter()
        .map(|case| case.name)
        .chain([COLD, MEMORY])
        .collect();
    if !known.contains(&name) {
        bail!("there is no case `{name}`; there are {}", known.join(", "));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::read(&args)
    }

    #[test]
    fn the_command_of_a_run_measures_the_same_again() {
        for line in [
            "",
            "--quick",
            "--rounds 7 --seconds 3 --case hs256 --case cold",
        ] {
            let options = read(line).expect("options");
            let command = options.command();
            let again = read(command.trim_start_matches("cargo xtask bench")).expect("options");
            assert_eq!(options, again);
        }
    }

    #[test]
    fn a_mistake_is_named() {
        for (line, part) in [
            ("--rounds", "needs a value"),
            ("--rounds 0", "above 0"),
            ("--seconds x", "above 0"),
            ("--case nothing", "there are pass"),
            ("--fast", "no option"),
            ("--write --case hello", "all tables"),
        ] {
            let error = read(line).expect_err(line).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
