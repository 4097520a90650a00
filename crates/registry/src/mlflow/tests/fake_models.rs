//! Artifacts and registered models of the MLflow server in memory.

use serde_json::{Value, json};

use super::fake::{Answer, Fake, Model, Version, absent, pairs, text};
use super::http::{Reply, Request};

impl Fake {
    pub fn artifact(&mut self, request: &Request, path: &str) -> Reply {
        match (request.method.as_str(), path) {
            ("PUT", path) => {
                self.files.insert(path.to_owned(), request.body.clone());
                Reply::Json(200, "{}".to_owned())
            }
            ("GET", "") => {
                let folder = format!("{}/", request.query["path"]);
                let files = self.files.iter().filter_map(|(path, bytes)| {
                    let name = path.strip_prefix(&folder)?;
                    Some(match name.split_once('/') {
                        None if bytes.is_empty() => json!({"path": name}),
                        None => json!({"path": name, "file_size": bytes.len()}),
                        Some((folder, _)) => json!({"path": folder, "is_dir": true}),
                    })
                });
                let files: Vec<Value> = files.collect();
                Reply::Json(200, json!({"files": files}).to_string())
            }
            ("GET", path) => Reply::Bytes(self.files[path].clone()),
            (method, path) => panic!("{method} {path}"),
        }
    }

    pub fn registry(&mut self, what: &str, body: &Value) -> Answer {
        match what {
            "GET registered-models/get" => {
                let model = self.models.get(&text(body, "name"));
                let model = model.ok_or_else(|| absent("model"))?;
                let aliases = model.aliases.iter();
                let aliases: Vec<Value> = aliases
                    .map(|(alias, version)| json!({"alias": alias, "version": version}))
                    .collect();
                Ok(json!({"registered_model": {"aliases": aliases}}))
            }
            "POST registered-models/create" => {
                let name = text(body, "name");
                if self.models.contains_key(&name) {
                    return Err((400, "RESOURCE_ALREADY_EXISTS", "it exists".to_owned()));
                }
                self.models.insert(name, Model::default());
                Ok(json!({"registered_model": {}}))
            }
            "GET model-versions/search" => {
                let filter = text(body, "filter");
                let (by, id) = filter.split_once(" = '").unwrap();
                let id = id.strip_suffix('\'').unwrap();
                let is_it = |version: &Version| match by {
                    "run_id" => version.run == id,
                    "tags.`easylife.run`" => version.made_by == id,
                    by => panic!("{by} is not supported"),
                };
                let mut found = Vec::new();
                for (name, model) in &self.models {
                    for (at, version) in model.versions.iter().enumerate() {
                        if is_it(version) && !version.deleted {
                            found.push(json!({"name": name, "version": (at + 1).to_string()}));
                        }
                    }
                }
                Ok(json!({"model_versions": found}))
            }
            "POST model-versions/create" => {
                let (name, run, source) = (
                    text(body, "name"),
                    text(body, "run_id"),
                    text(body, "source"),
                );
                let model = self.models.get_mut(&name);
                let model = model.ok_or_else(|| absent("model"))?;
                model.versions.push(Version {
                    run,
                    made_by: pairs(body, "tags")["easylife.run"].clone(),
                    source,
                    deleted: false,
                });
                let version = model.versions.len().to_string();
                Ok(json!({"model_version": {"name": name, "version": version}}))
            }
            "DELETE model-versions/delete" => {
                let (model, version) = self.version(body)?;
                let at: usize = version.parse().unwrap();
                model.versions[at - 1].deleted = true;
                model.aliases.retain(|_, there| *there != version);
                Ok(json!({}))
            }
            "DELETE registered-models/alias" => {
                let model = self.models.get_mut(&text(body, "name"));
                let model = model.ok_or_else(|| absent("model"))?;
                model.aliases.remove(&text(body, "alias"));
                Ok(json!({}))
            }
            "POST registered-models/alias" => {
                let (model, version) = self.version(body)?;
                model.aliases.insert(text(body, "alias"), version);
                Ok(json!({}))
            }
            what => panic!("{what} is not of the API"),
        }
    }

    /// A model and a version that it has.
    fn version(
        &mut self,
        body: &Value,
    ) -> Result<(&mut Model, String), (u16, &'static str, String)> {
        let model = self.models.get_mut(&text(body, "name"));
        let model = model.ok_or_else(|| absent("model"))?;
        let version = text(body, "version");
        let at: usize = version.parse().unwrap();
        match model.versions.get(at - 1).is_some_and(|v| !v.deleted) {
            true => Ok((model, version)),
            false => Err(absent("version")),
        }
    }
}
