//! The tool for people who write a config: check it, ask it, compile it.

mod check;
mod explain;
mod key;
mod secret;
mod show;
mod simulate;
mod why;
mod wrangler;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use causeway::config::{draw, schema};
use causeway::plan::compile;
use clap::{Parser, Subcommand, ValueEnum};

/// Causeway, an API gateway for Cloudflare Workers: the tool beside it.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Tell everything that is wrong with a config.
    ///
    /// Ends with 0 if it is good, 1 if it is refused, 2 if it cannot be read. A wrangler.toml beside the file is
    /// looked at too.
    Check {
        #[arg(default_value = "api-config.json")]
        file: PathBuf,
        /// Take warnings for errors.
        #[arg(long)]
        strict: bool,
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Tell what the gateway would do with a request, and why. Nothing is sent.
    ///
    /// Ends with 0 if a path takes it, 1 if the gateway refuses it whoever asks (404, 405, 400) or serves nothing of
    /// the config, 2 if something cannot be read.
    Explain {
        /// Such as GET.
        method: String,
        /// Absolute, or a path and query.
        url: String,
        #[arg(long, default_value = "api-config.json")]
        config: PathBuf,
        /// A header field of the request, such as 'Origin: https://app.example.com'; may be repeated.
        #[arg(long = "header", value_name = "NAME: VALUE", value_parser = explain::field)]
        headers: Vec<(String, String)>,
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Let endpoints fail as a scenario says, and tell what the gateway makes of it.
    ///
    /// Nothing is sent, and no time passes but in the simulation. The same seed leads to the same numbers. Ends with 1
    /// if config or scenario is refused.
    Simulate {
        /// The scenario, see docs/simulate.md.
        file: PathBuf,
        #[arg(long, default_value = "api-config.json")]
        config: PathBuf,
        /// The alias of the config's server that the scenario happens to.
        #[arg(long, value_name = "ALIAS")]
        server: String,
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Make API keys and their stored forms.
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Make the stored forms of passwords.
    #[command(subcommand)]
    Password(key::PasswordCommand),
    /// Print the JSON Schema of api-config.json.
    Schema,
    /// Compile a config to the plan that is shipped beside the worker.
    Compile {
        file: PathBuf,
        #[arg(short, long)]
        output: PathBuf,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For people.
    Human,
    /// One JSON object.
    Json,
}

/// What a command prints, and whether its answer is a good one.
struct Outcome {
    text: String,
    good: bool,
}

/// What kept a command from its work: one sentence.
struct Failure(String);

pub fn main() -> ExitCode {
    // Ends the process itself on --help, --version (0) and on wrong usage (2).
    let arguments = Arguments::parse();
    let color = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let outcome = match arguments.command {
        Command::Check {
            file,
            strict,
            format,
        } => check::check(&file, strict, format, color),
        Command::Explain {
            method,
            url,
            config,
            headers,
            format,
        } => explain::explain(&method, &url, &config, headers, format, color),
        Command::Simulate {
            file,
            config,
            server,
            format,
        } => simulate::simulate(&file, &config, &server, format, color),
        Command::Key(command) => key::key(command),
        Command::Password(command) => key::password(command),
        Command::Schema => Ok(Outcome {
            text: format!("{:#}\n", schema()),
            good: true,
        }),
        Command::Compile { file, output } => compile_to(&file, &output, color),
    };
    match outcome {
        // Whoever reads may have had enough, as `head` does: that is no failure.
        Ok(outcome) => match io::stdout().lock().write_all(outcome.text.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::from(2),
            _ => ExitCode::from(u8::from(!outcome.good)),
        },
        Err(Failure(message)) => {
            // Nobody is left to tell if this fails.
            let _ = writeln!(io::stderr(), "error: {message}");
            ExitCode::from(2)
        }
    }
}

fn compile_to(file: &Path, output: &Path, color: bool) -> Result<Outcome, Failure> {
    let text = read(file)?;
    let compiled = compile(&text);
    let diagnostics = &compiled.diagnostics;
    let mut drawn = draw(diagnostics, &file.display().to_string(), &text, color);
    if !drawn.is_empty() {
        drawn.push('\n');
    }
    let blueprint = match compiled.blueprint {
        Some(blueprint) if !diagnostics.has_errors() => blueprint,
        _ => {
            return Ok(Outcome {
                text: drawn,
                good: false,
            });
        }
    };
    let bytes = blueprint
        .to_bytes()
        .map_err(|error| Failure(error.to_string()))?;
    std::fs::write(output, bytes)
        .map_err(|error| Failure(format!("{} is not written: {error}", output.display())))?;
    Ok(Outcome {
        text: drawn,
        good: true,
    })
}

fn read(file: &Path) -> Result<String, Failure> {
    let fail = |why: String| Failure(format!("{} cannot be read: {why}", file.display()));
    let bytes = std::fs::read(file).map_err(|error| fail(error.to_string()))?;
    causeway::config::decode(bytes).map_err(fail)
}
