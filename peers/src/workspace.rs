//! Where the project's files are: asked when a program runs, not when it is compiled. cargo takes what is compiled in a
//! copied checkout for fresh, so that a folder in it would be the original's.

use std::env;
use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The top of the project: see [`find`]. Panics where there is none.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| find().unwrap_or_else(|error| panic!("{error}")))
}

/// The project that cargo runs this program of, else the one of the working folder, else the one that the program's file
/// lies in.
pub fn find() -> Result<PathBuf> {
    let places = [
        env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from),
        env::current_dir().ok(),
        env::current_exe().ok(),
    ];
    first(places.iter().flatten()).ok_or_else(|| {
        Error::other("this is no checkout of Causeway: no folder above has its Cargo.toml")
    })
}

/// A program of this build, beside which a test runs.
pub fn program(name: &str) -> PathBuf {
    let test = env::current_exe().expect("a test has a file");
    // It is in `deps`, one folder below the programs.
    let folder = test.ancestors().nth(2).expect("a test is in a folder");
    folder.join(format!("{name}{}", env::consts::EXE_SUFFIX))
}

/// The first workspace at or above any of the places.
fn first<'a>(places: impl Iterator<Item = &'a PathBuf>) -> Option<PathBuf> {
    let mut above = places.flat_map(|place| place.ancestors());
    above.find(|folder| is_root(folder)).map(Path::to_owned)
}

fn is_root(folder: &Path) -> bool {
    let Ok(manifest) = fs::read_to_string(folder.join("Cargo.toml")) else {
        return false;
    };
    let mut lines = manifest.lines().map(str::trim);
    lines.clone().any(|line| line == "[workspace]")
        && lines.any(|line| line == "name = \"causeway\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_place_is_fixed_when_a_program_is_compiled() {
        fn walk(folder: &Path) {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let path = entry.path();
                let is_dir = entry.file_type().unwrap().is_dir();
                if is_dir && path.file_name().is_some_and(|name| name != "node_modules") {
                    walk(&path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = fs::read_to_string(&path).unwrap();
                    for name in ["MANIFEST_DIR", "BIN_EXE", "TARGET_TMPDIR"] {
                        let fixed = ["env", "!(\"CARGO_", name].concat();
                        assert!(!text.contains(&fixed), "{}: {fixed}", path.display());
                    }
                }
            }
        }
        for folder in ["src", "tests", "peers", "xtask", "benches"] {
            walk(&root().join(folder));
        }
    }

    #[test]
    fn the_root_is_the_nearest_workspace_above_the_first_place_that_has_one() {
        let top = env::temp_dir().join(format!("peers-workspace-{}", std::process::id()));
        for (folder, manifest) in [
            ("a", "[workspace]\n[package]\nname = \"causeway\"\n"),
            ("a/xtask", "[package]\nname = \"xtask\"\n"),
            ("b", "[workspace]\n[package]\nname = \"causeway\"\n"),
            ("other", "[workspace]\n[package]\nname = \"other\"\n"),
            ("member", "[package]\nname = \"causeway\"\n"),
        ] {
            fs::create_dir_all(top.join(folder).join("src")).unwrap();
            fs::write(top.join(folder).join("Cargo.toml"), manifest).unwrap();
        }
        for (places, expected) in [
            (&["a"][..], Some("a")),
            (&["a/xtask/src"], Some("a")),
            (&["b/src", "a"], Some("b")),
            (&["other", "member", "b"], Some("b")),
            (&["gone/away", "a"], Some("a")),
            (&["other/src"], None),
        ] {
            let places: Vec<PathBuf> = places.iter().map(|place| top.join(place)).collect();
            let expected = expected.map(|folder| top.join(folder));
            assert_eq!(first(places.iter()), expected, "{places:?}");
        }
        fs::remove_dir_all(&top).unwrap();
    }
}
