//! The description of the interface: `openapi.yaml`, written by hand, and a page to read it and try it. Nothing of the
//! page is loaded from elsewhere.

use std::sync::OnceLock;

use server::dialect::Page;

const YAML: &str = include_str!("../../../openapi.yaml");
const PAGE: &str = include_str!("docs.html");

/// `GET /openapi.yaml`
pub fn yaml() -> Page {
    page("application/yaml", YAML.as_bytes())
}

/// `GET /docs`
pub fn docs() -> Page {
    page("text/html; charset=utf-8", PAGE.as_bytes())
}

/// `GET /openapi.json`: the same as JSON, which is made once.
pub fn json(made: &OnceLock<String>) -> Page {
    let text = made.get_or_init(|| {
        let node = yaml::parse(YAML).ok();
        let value = node.and_then(|node| yaml::from_node::<serde_json::Value>(&node).ok());
        // A test reads the file.
        value.unwrap_or_default().to_string()
    });
    Page::json(200, text.as_bytes())
}

fn page(content_type: &'static str, body: &'static [u8]) -> Page {
    Page {
        status: 200,
        content_type,
        body: body.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::ROUTES;
    use super::*;

    fn spec() -> serde_json::Value {
        serde_json::from_slice(&json(&OnceLock::new()).body).unwrap()
    }

    #[test]
    fn every_route_is_described_with_its_methods_and_no_other() {
        let spec = spec();
        let paths = spec["paths"].as_object().unwrap();
        let mut expected: Vec<(String, String)> = Vec::new();
        let own = server::routes();
        let all = ROUTES
            .iter()
            .map(|(spec, _)| (spec.pattern, spec.methods))
            .chain(own);
        for (pattern, methods) in all {
            let methods = methods.split(", ").filter(|method| *method != "HEAD");
            expected.extend(methods.map(|method| (pattern.to_owned(), method.to_lowercase())));
        }
        expected.sort();
        expected.dedup();
        let mut described: Vec<(String, String)> = paths
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys();
                let methods = methods.filter(|key| *key != "parameters" && *key != "summary");
                methods.map(|method| (path.clone(), method.clone()))
            })
            .collect();
        described.sort();
        assert_eq!(described, expected);
    }

    #[test]
    fn the_page_loads_nothing_from_elsewhere() {
        for word in ["http://", "https://", "//cdn", "@import", "src="] {
            assert!(!PAGE.contains(word), "{word}");
        }
    }
}
