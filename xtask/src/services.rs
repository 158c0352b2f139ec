//! The module that imports a config's services: JavaScript of the deployer's own, bundled into the worker.

use std::path::{Component, Path};

use anyhow::{Result, anyhow, bail};

use causeway::plan::Service;

/// The text of `services.mjs`: a `Map` from alias to the class that the service exports by default.
///
/// An entrypoint `NAME` is the file `services/NAME.js` under `root`; written out in full, or with `./`, it is the same.
pub fn module(root: &Path, out: &Path, services: &[Service]) -> Result<String> {
    let to_root = match out.strip_prefix(root) {
        Ok(below) => "../".repeat(below.components().count()),
        Err(_) => format!("{}/", root.display()),
    };
    let mut imports = String::new();
    let mut entries = String::new();
    for (index, service) in services.iter().enumerate() {
        let file = find(root, service)?;
        let specifier = serde_json::to_string(&format!("{to_root}{file}"))?;
        let alias = serde_json::to_string(&service.alias)?;
        imports.push_str(&format!("import service{index} from {specifier};\n"));
        entries.push_str(&format!("  [{alias}, service{index}],\n"));
    }
    Ok(format!("{imports}export default new Map([\n{entries}]);\n"))
}

/// The service's file, relative to `root`.
fn find(root: &Path, service: &Service) -> Result<String> {
    let written = service.entrypoint.as_str();
    let name = written.strip_prefix("./").unwrap_or(written);
    let name = name.strip_prefix("services/").unwrap_or(name);
    // Nothing outside `services/` becomes a part of the worker.
    let inside = !name.contains('\\')
        && !name.is_empty()
        && Path::new(name)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
    if !inside {
        bail!(
            "service `{}`: the entrypoint `{written}` is not a file of the folder services/",
            service.alias
        );
    }
    EXTENSIONS
        .iter()
        .map(|extension| format!("services/{name}{extension}"))
        .find(|file| root.join(file).is_file())
        .ok_or_else(|| {
            anyhow!(
                "service `{}`: there is no services/{name}.js",
                service.alias
            )
        })
}

/// What an entrypoint may leave out.
const EXTENSIONS: &[&str] = &["", ".js", ".mjs", ".ts"];

#[cfg(test)]
mod tests {
    use super::*;

    fn service(entrypoint: &str) -> Service {
        Service {
            alias: "a\"b".to_owned(),
            entrypoint: entrypoint.to_owned(),
        }
    }

    #[test]
    fn every_spelling_of_an_entrypoint_is_the_same_file() {
        let root = std::env::temp_dir().join(format!("causeway-services-{}", std::process::id()));
        std::fs::create_dir_all(root.join("services")).expect("a folder");
        std::fs::write(root.join("services/hello.js"), "").expect("a file");
        for entrypoint in ["hello", "hello.js", "services/hello", "./services/hello.js"] {
            let text =
                module(&root, &root.join("build"), &[service(entrypoint)]).expect("a module");
            assert_eq!(
                text,
                "import service0 from \"../services/hello.js\";\nexport default new Map([\n  [\"a\\\"b\", service0],\n]);\n"
            );
        }
        std::fs::remove_dir_all(&root).expect("the folder is removed");
    }

    #[test]
    fn an_entrypoint_outside_the_services_folder_is_refused() {
        let root = crate::root();
        for entrypoint in [
            "",
            "../src/lib",
            "/etc/passwd",
            "./services/../Cargo",
            "a\\..\\b",
        ] {
            assert!(module(root, &root.join("build"), &[service(entrypoint)]).is_err());
        }
    }

    #[test]
    fn without_services_the_map_is_empty() {
        let root = crate::root();
        let text = module(root, &root.join("build"), &[]).expect("a module");
        assert_eq!(text, "export default new Map([\n]);\n");
    }
}
