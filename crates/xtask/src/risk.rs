//! `eval-risk`: how often the classifier agrees with labels, by class, with bounds.

mod matrix;
mod rows;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use matrix::Matrix;
use rows::Row;
use toolgate_catalog::classify;

#[derive(Debug, Default)]
struct Options {
    files: Vec<PathBuf>,
    labels: Option<PathBuf>,
    part: Option<String>,
    misses: bool,
}

fn options(arguments: &[String]) -> anyhow::Result<Options> {
    let mut options = Options::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--labels" => options.labels = Some(rest.next().context("`--labels` needs a file")?.into()),
            "--part" => options.part = Some(rest.next().context("`--part` needs a name")?.clone()),
            "--misses" => options.misses = true,
            option if option.starts_with("--") => bail!("unknown option `{option}`"),
            file => options.files.push(file.into()),
        }
    }
    if options.files.is_empty() {
        bail!("name a file of tool definitions, one JSON object a line");
    }
    Ok(options)
}

/// Evaluates, and tells the result as text.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<String> {
    let options = options(arguments)?;
    let labels = match &options.labels {
        Some(path) => Some(rows::read_labels(path, options.part.as_deref())?),
        None => None,
    };
    let mut rows = Vec::new();
    for path in &options.files {
        rows.extend(rows::read(path, labels.as_ref())?);
    }
    if rows.is_empty() {
        bail!("no row has a label");
    }
    let mut matrix = Matrix::default();
    let mut text = String::new();
    for row in &rows {
        let found = classify(&row.definition);
        matrix.add(row.label, found.category);
        if options.misses && found.category != row.label {
            text.push_str(&miss(row, &found));
        }
    }
    text.push_str(&matrix.to_string());
    Ok(text)
}

fn miss(row: &Row, found: &toolgate_catalog::Assessment) -> String {
    let first: String =
        row.definition.description.chars().take(140).map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!(
        "{} taken for {} ({:.2}): {} [{first}] because {}\n",
        row.label.name(),
        found.category.name(),
        found.confidence,
        row.definition.name,
        found.reason,
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use toolgate_catalog::Category;

    use super::*;

    const FILES: [&str; 3] =
        ["real-tools.dev.jsonl", "real-tools-smithery.dev.jsonl", "risk-labels.dev.jsonl"];

    #[test]
    fn what_was_labelled_by_hand_is_still_judged_so() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let data = root.join("../shared/data");
        if !data.is_dir() {
            eprintln!(
                "SKIPPED: the definitions that were labelled are not at ../shared/data beside the repository"
            );
            return;
        }
        let labels = rows::read_labels(&root.join("crates/catalog/data/labels.jsonl"), None).unwrap();
        let (mut seen, mut right) = (0, 0);
        for file in FILES {
            for row in rows::read(&data.join(file), Some(&labels)).unwrap() {
                let found = classify(&row.definition).category;
                let name = &row.definition.name;
                assert!((row.label, found) != (Category::Destructive, Category::Read), "`{name}` destroys");
                assert!((row.label, found) != (Category::Read, Category::Destructive), "`{name}` reads");
                seen += 1;
                right += usize::from(found == row.label);
            }
        }
        assert!(seen >= labels.len(), "{seen} of {} labels have their row", labels.len());
        assert!(right * 100 >= seen * 97, "{right} of {seen}");
    }
}
