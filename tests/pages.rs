//! What README, docs and workflows tell people and machines to run is there, and means what they say.

#![cfg(test)]
#![allow(clippy::disallowed_methods, reason = "tests live in real time")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use peers::{npm, workspace};

#[test]
fn every_wrangler_command_exists_and_says_which_store_it_writes_to() {
    npm::ensure().unwrap();
    let mut helps = BTreeMap::new();
    let mut seen = 0;
    for (file, text) in texts(&["md", "json", "toml", "yml", "run", "bundle"]) {
        for command in wrangler_commands(&text) {
            seen += 1;
            let words = command.split_whitespace();
            let name: Vec<&str> = words.take_while(|word| is_name(word)).collect();
            let help = helps
                .entry(name.join(" "))
                .or_insert_with(|| help(&name))
                .as_str();
            let has = |flag: &str| help.split_whitespace().any(|word| word == flag);
            for flag in command.split_whitespace().filter(|w| w.starts_with("--")) {
                let flag = flag.split('=').next().unwrap();
                assert!(has(flag), "{file}: `wrangler {command}`: no {flag}\n{help}");
            }
            // Such a command changes this machine alone if it is not told otherwise.
            if has("--local") && has("--remote") && name != ["dev"] {
                let told = ["--local", "--remote"].iter().any(|f| command.contains(f));
                assert!(
                    told,
                    "{file}: `wrangler {command}` changes nothing that is deployed"
                );
            }
        }
    }
    assert!(seen > 8, "{seen}");
}

/// What follows `wrangler` where it is a command, and not a word of a sentence.
fn wrangler_commands(text: &str) -> Vec<String> {
    let starts = [
        "npx wrangler ",
        "npx --no wrangler ",
        "`wrangler ",
        "\"wrangler ",
    ];
    let lines = text.lines();
    let found = lines.flat_map(|line| starts.iter().map(move |start| (line, start)));
    let found = found.flat_map(|(line, start)| line.split(start).skip(1));
    let found = found.map(|rest| rest.split(['`', '#', ';', '"', '|']).next().unwrap_or(""));
    found.map(|command| command.trim().to_owned()).collect()
}

fn is_name(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_lowercase())
}

fn help(name: &[&str]) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new(npm::bin().join("wrangler"))
        .args(name)
        .arg("--help")
        .env("PATH", format!("{}:{path}", npm::bin().display()))
        .env("WRANGLER_SEND_METRICS", "false")
        .env("WRANGLER_HIDE_BANNER", "true")
        .env("WRANGLER_LOG_PATH", std::env::temp_dir())
        .stdin(Stdio::null())
        .output()
        .expect("wrangler runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let name = format!("wrangler {}", name.join(" "));
    assert!(
        output.status.success() && text.contains(&name),
        "no `{name}`"
    );
    text
}

#[test]
fn every_command_of_the_command_line_runs_as_it_is_shown() {
    let root = workspace::root();
    let folder = std::env::temp_dir().join(format!("causeway-pages-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for entry in ["api-config.json", "wrangler.toml"] {
        fs::copy(root.join(entry), folder.join(entry)).unwrap();
    }
    copy(&root.join("examples"), &folder.join("examples"));
    // What cargo would run, without cargo.
    let program = workspace::program("causeway");
    let cargo = format!(
        "set -e; cargo() {{ while [ \"$1\" != -- ]; do shift; done; shift; '{}' \"$@\"; }}; ",
        program.display()
    );
    let mut seen = 0;
    for (file, text) in texts(&["md"]) {
        for command in shell_lines(&text).filter(|line| line.contains("cargo run -q")) {
            seen += 1;
            let input = folder.join("input");
            fs::write(&input, "example password\n").unwrap();
            let output = Command::new("sh")
                .args(["-c", &format!("{cargo}{command}")])
                .current_dir(&folder)
                .stdin(fs::File::open(&input).unwrap())
                .output()
                .expect("a shell");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{file}: {command}\n{said}");
            assert!(
                !output.stdout.is_empty() || command.contains("--output"),
                "{command}"
            );
        }
    }
    fs::remove_dir_all(&folder).unwrap();
    assert!(seen > 8, "{seen}");
}

/// The lines of a page that are to be typed: those of `sh` blocks, and those that stand out by four spaces.
fn shell_lines(text: &str) -> impl Iterator<Item = String> {
    let mut lines = Vec::new();
    let mut block = None;
    for line in text.replace("\\\n", "").lines() {
        match (line.strip_prefix("```"), block) {
            (Some(language), None) => block = Some(language == "sh"),
            (Some(_), Some(_)) => block = None,
            (None, Some(true)) => lines.push(line.to_owned()),
            (None, None) => lines.extend(line.strip_prefix("    ").map(str::to_owned)),
            (None, Some(false)) => {}
        }
    }
    lines.into_iter()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[test]
fn every_script_task_and_example_that_a_page_names_is_there() {
    let root = workspace::root();
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    let package: serde_json::Value = serde_json::from_str(&read("package.json")).unwrap();
    let tasks = read("xtask/src/main.rs");
    let word = |rest: &str| {
        let end = rest
            .find(|c: char| !c.is_ascii_lowercase())
            .unwrap_or(rest.len());
        rest[..end].to_owned()
    };
    for (file, text) in texts(&["md", "json", "toml", "yml", "run", "bundle"]) {
        for script in text.split("npm run ").skip(1).map(word) {
            assert!(
                package["scripts"][&script].is_string(),
                "{file}: npm run {script}"
            );
        }
        for task in text.split("cargo xtask ").skip(1).map(word) {
            let known = task.is_empty() || tasks.contains(&format!("\"{task}\""));
            assert!(known, "{file}: cargo xtask {task}");
        }
        for example in text.split("CAUSEWAY_CONFIG=").skip(1) {
            let name = example.split_whitespace().next().unwrap();
            assert!(
                !name.contains('/') || root.join(name).is_file(),
                "{file}: {name}"
            );
        }
    }
    assert!(package["scripts"]["start"].is_string());
}

#[test]
fn ci_runs_what_the_readme_says_and_gives_the_token_to_wrangler_alone() {
    let root = workspace::root();
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    let (workflow, run) = (read(".github/workflows/ci.yml"), read(".ci/run"));
    assert!(read("README.md").contains("\ncargo test      # every test\n"));
    assert!(run.lines().any(|line| line == "cargo test"), "{run}");

    for action in workflow
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- uses: "))
    {
        let (name, version) = action
            .split_once(" # v")
            .expect("a version beside the commit");
        let (name, commit) = name.split_once('@').unwrap();
        assert!(name.starts_with("actions/"), "{name}");
        assert!(
            commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()),
            "{action}"
        );
        assert!(version.split('.').count() == 3, "{action}");
    }
    // Jobs are the only keys that stand two spaces in, below `jobs:`.
    let jobs = workflow.split_once("\njobs:\n").unwrap().1;
    let jobs: Vec<&str> = jobs.split("\n\n").collect();
    let job = |name: &str| {
        let found = jobs
            .iter()
            .find(|job| job.trim_start().starts_with(&format!("{name}:")));
        *found.unwrap_or_else(|| panic!("no job {name}"))
    };
    for name in ["test", "bundle"] {
        assert!(!job(name).contains("secrets."), "{name} knows a secret");
    }
    let test = job("test");
    assert!(test.contains("- run: .ci/run"));
    let minutes = test
        .split("timeout-minutes: ")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    assert!(minutes.parse::<u32>().unwrap() <= 60);
    assert!(job("bundle").contains("git merge-base --is-ancestor \"$GITHUB_SHA\" origin/main"));
    let deploy = job("deploy");
    assert!(deploy.contains("needs: [test, bundle]") && deploy.contains("environment: "));
    let steps: Vec<&str> = deploy.split("\n      - ").collect();
    let knows: Vec<&&str> = steps
        .iter()
        .filter(|step| step.contains("secrets."))
        .collect();
    assert_eq!(knows.len(), 1, "{knows:?}");
    assert!(knows[0].starts_with("run: npx --no wrangler deploy --config bundle/wrangler.toml\n"));
    for builds in ["cargo", "rustup", ".ci/"] {
        assert!(
            !deploy.contains(builds),
            "the job with the token runs {builds}"
        );
    }
}

/// Nothing that npm installs runs a script, and every package has a hash.
#[test]
fn what_npm_installs_is_what_its_lock_files_say() {
    let root = workspace::root();
    for folder in ["", "peers/azurite", "peers/browser", "peers/oidc"] {
        let folder = root.join(folder);
        let settings = fs::read_to_string(folder.join(".npmrc")).unwrap();
        assert!(settings.lines().any(|line| line == "ignore-scripts=true"));
        let lock = fs::read(folder.join("package-lock.json")).unwrap();
        let lock: serde_json::Value = serde_json::from_slice(&lock).unwrap();
        for (place, package) in lock["packages"].as_object().unwrap() {
            let whole = place.is_empty() || package["integrity"].is_string();
            assert!(whole, "{}: {place}", folder.display());
        }
    }
    let lock = fs::read_to_string(root.join("package-lock.json")).unwrap();
    for tests_alone in ["playwright", "chromium", "oidc-provider"] {
        assert!(
            !lock.contains(tests_alone),
            "`npm start` would install {tests_alone}"
        );
    }
    for platform in ["linux-x64", "linux-arm64", "darwin-x64", "bin-darwin-arm64"] {
        assert!(
            lock.contains(&format!("\"node_modules/node-{platform}\"")),
            "{platform}"
        );
    }
}

/// The files of these endings that people read or CI runs, by name and text.
fn texts(endings: &[&str]) -> Vec<(String, String)> {
    let root = workspace::root();
    let folders = ["", "docs", "examples", "fuzz", ".ci", ".github/workflows"];
    let entries = folders
        .iter()
        .flat_map(|f| fs::read_dir(root.join(f)).unwrap());
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        let ending = name.rsplit('.').next().unwrap();
        let passing = name.starts_with(".wrangler-dev") || name.contains("-lock.");
        path.is_file() && endings.contains(&ending) && !passing
    });
    paths.sort();
    let texts = paths.into_iter().map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(root).unwrap().display().to_string(), text)
    });
    texts.collect()
}
