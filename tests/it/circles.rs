//! No circle of files: a file never imports another one that imports it, straight or by way of others.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::sources;

/// A module's path from the crate's root, such as `pass::copy`.
type Module = Vec<String>;

/// A path of an import, whole; whether it is handed on.
struct Import {
    path: Module,
    is_public: bool,
}

#[test]
fn no_file_imports_itself_by_way_of_others() {
    let files: BTreeMap<Module, String> =
        sources("src").map(|file| (module(&file.path), file.code().to_owned())).collect();
    let imports: BTreeMap<_, _> = files.iter().map(|(module, code)| (module, imports(module, code))).collect();
    // What the file of a folder hands on of its own files belongs to them.
    let handed_on: BTreeMap<Module, &Module> = imports
        .iter()
        .flat_map(|(module, imports)| {
            let own = imports.iter().filter(|import| import.is_public && import.path.starts_with(module));
            own.map(|import| ([&module[..], &import.path[import.path.len() - 1..]].concat(), &import.path))
        })
        .collect();
    let file_of = |path: &Module| {
        let path = handed_on.get(path).copied().unwrap_or(path);
        (1..=path.len()).rev().map(|length| path[..length].to_vec()).find(|module| files.contains_key(module))
    };
    let arrows: BTreeMap<&Module, BTreeSet<Module>> = imports
        .iter()
        .map(|(module, imports)| {
            let foreign = imports.iter().filter(|import| !(import.is_public && import.path.starts_with(module)));
            (*module, foreign.filter_map(|import| file_of(&import.path)).filter(|file| file != *module).collect())
        })
        .collect();
    assert!(arrows.values().map(BTreeSet::len).sum::<usize>() > 300, "imports are not read");
    let circle: Vec<_> =
        arrows.keys().filter(|module| reaches(&arrows, module)).map(|module| module.join("::")).collect();
    assert!(circle.is_empty(), "\n{}\nMove what both need into a file below them.", circle.join("\n"));
}

/// Whether a file comes back to itself.
fn reaches(arrows: &BTreeMap<&Module, BTreeSet<Module>>, start: &Module) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![start]);
    while let Some(file) = next.pop() {
        for imported in arrows.get(file).into_iter().flatten() {
            if imported == start {
                return true;
            }
            if seen.insert(imported) {
                next.push(imported);
            }
        }
    }
    false
}

/// The module of a file: `src/pass/copy/mod.rs` is `pass::copy`.
fn module(path: &str) -> Module {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

/// What a file imports, and what else it names after `crate::`.
fn imports(module: &Module, code: &str) -> Vec<Import> {
    let lines = code.lines().map(|line| line.split("//").next().unwrap());
    // Who may see an item is no import.
    let code: String = lines.flat_map(|line| [line, "\n"]).collect::<String>().replace("pub(in crate::", "pub(in ");
    let (mut imports, mut rest) = (Vec::new(), String::new());
    for statement in code.split_inclusive([';', '}']) {
        rest.push_str(statement);
        let Some((before, tree)) = rest.rsplit_once("use ") else { continue };
        let is_whole = tree.matches('{').count() == tree.matches('}').count() && tree.ends_with(';');
        let visibility = before.rsplit('\n').next().unwrap().trim();
        if is_whole && (visibility.is_empty() || visibility.starts_with("pub")) {
            let mut paths = Vec::new();
            expand(&[], tree.trim_end_matches(';'), &mut paths);
            let is_public = !visibility.is_empty();
            imports.extend(paths.iter().filter_map(|path| Some(Import { path: absolute(module, path)?, is_public })));
            rest.clear();
        } else if is_whole {
            rest.clear();
        }
    }
    let named = code.split("crate::").skip(1).filter(|rest| !rest.starts_with('{'));
    let named = named.map(|rest| rest.split(|letter: char| !letter.is_alphanumeric() && !":_".contains(letter)).next());
    let path = |text: &str| text.split("::").map(str::to_owned).filter(|segment| !segment.is_empty()).collect();
    // A tree of imports, which was read above, goes on with a brace.
    let named = named.flatten().filter(|text| !text.ends_with("::"));
    imports.extend(named.map(|text| Import { path: path(text), is_public: false }));
    imports
}

/// The paths of a tree of imports, without `self` at their end.
fn expand(prefix: &[String], tree: &str, paths: &mut Vec<Module>) {
    let mut depth = 0;
    let outer_comma = |letter| {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        letter == ',' && depth == 0
    };
    for branch in tree.split(outer_comma).map(str::trim).filter(|branch| !branch.is_empty()) {
        let (path, inner) = branch.split_once('{').unwrap_or((branch, ""));
        let path = path.split(" as ").next().unwrap();
        let segments = path.split("::").map(str::trim).filter(|segment| !segment.is_empty()).map(str::to_owned);
        let mut path: Module = prefix.iter().cloned().chain(segments).collect();
        if inner.is_empty() {
            if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
                path.pop();
            }
            paths.push(path);
        } else {
            expand(&path, inner.trim_end().strip_suffix('}').unwrap(), paths);
        }
    }
}

/// A path from the crate's root. None: it is another crate's.
fn absolute(module: &Module, path: &[String]) -> Option<Module> {
    let up = path.iter().take_while(|segment| *segment == "super").count();
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([&module[..], &path[1..]].concat()),
        "super" => Some([&module[..module.len() - up.min(module.len())], &path[up..]].concat()),
        _ => None,
    }
}
