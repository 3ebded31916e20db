//! Sources as text: found, stripped of comments and strings, searched for names.

use std::{
    fs,
    path::{Path, PathBuf},
};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All files of the repository below a folder, without what is built and what git keeps.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return found;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["target", ".git"].contains(&name.as_str()) {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    found
}

pub fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let of_rust = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "rs");
    let all: Vec<_> = files(&root().join(folder))
        .into_iter()
        .filter(of_rust)
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect();
    assert!(!all.is_empty(), "no sources in {folder}");
    all
}

pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

pub fn report(faults: &[String]) {
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Code without comments, and with the content of strings and letters left out.
pub fn code_of(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let (mut code, mut at) = (String::new(), 0);
    while at < bytes.len() {
        let rest = &bytes[at..];
        match rest {
            ['/', '/', ..] => at += rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['r', '#', '"', ..] => {
                let end = rest.windows(2).position(|two| two == ['"', '#']).unwrap_or(rest.len() - 2);
                let end = if end == 2 {
                    3 + rest[3..].windows(2).position(|two| two == ['"', '#']).unwrap_or(0)
                } else {
                    end
                };
                code.push_str("\"\"");
                at += end + 2;
            }
            ['"', ..] => {
                let mut end = 1;
                while end < rest.len() && rest[end] != '"' {
                    end += if rest[end] == '\\' { 2 } else { 1 };
                }
                code.push_str("\"\"");
                at += end + 1;
            }
            ['\'', '\\', _, '\'', ..] => at += 4,
            ['\'', _, '\'', ..] => at += 3,
            [other, ..] => {
                code.push(*other);
                at += 1;
            }
            [] => {}
        }
    }
    code
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The first names of every path that follows `from::`, those of groups in braces included.
pub fn names_after(code: &str, from: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(from) {
        if code[..at].chars().next_back().is_some_and(is_word) {
            continue;
        }
        let Some(rest) = code[at + from.len()..].strip_prefix("::") else {
            continue;
        };
        if let Some(group) = rest.strip_prefix('{') {
            let (mut depth, mut begins) = (0, true);
            let mut name = String::new();
            for letter in group.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => begins = true,
                    letter if depth == 0 && begins && is_word(letter) => name.push(letter),
                    letter if letter.is_whitespace() => {}
                    _ => begins = false,
                }
                if depth == 0 && (!begins || letter == ',') && !name.is_empty() {
                    found.push(std::mem::take(&mut name));
                }
            }
            found.extend((!name.is_empty()).then_some(name));
        } else {
            found.push(rest.chars().take_while(|letter| is_word(*letter)).collect());
        }
    }
    found
}

pub fn names_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back().is_some_and(is_word);
        let after = code[at + word.len()..].chars().next().is_some_and(is_word);
        !before && !after
    })
}

/// Whether a crate is used: its name followed by `::`, or in a `use` of it.
pub fn names_crate(code: &str, name: &str) -> bool {
    !names_after(code, name).is_empty() || names_word(code, &format!("use {name}"))
}
