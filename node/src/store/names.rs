//! The search by name: words of the names of the own register, in memory only, read back with the key.
//!
//! Words meet without tone and vowel marks and without case, so that `nguyen` finds `Nguyễn`; the caller
//! compares the marks where the question has them. Nothing of it is ever written: a stolen disk has no index
//! of names.

use danso_core::domain::{PersonFacts, PersonId, name_key, plain_key};
use std::collections::{BTreeMap, BTreeSet};

/// Words and who bears them; empty until it is filled at the first question.
#[derive(Debug, Default)]
pub(super) struct Names {
    words: BTreeMap<String, BTreeSet<PersonId>>,
    filled: bool,
}

impl Names {
    /// Whether all names are in.
    pub fn is_filled(&self) -> bool {
        self.filled
    }

    /// Takes all persons in; before it, single ones are passed over.
    pub fn fill(&mut self, persons: impl IntoIterator<Item = (PersonId, PersonFacts)>) {
        self.filled = true;
        self.words.clear();
        for (id, facts) in persons {
            self.learn(id, &facts);
        }
    }

    /// Takes a person in.
    pub fn learn(&mut self, id: PersonId, facts: &PersonFacts) {
        if self.filled {
            for word in words_of(&facts.name) {
                self.words.entry(word).or_default().insert(id);
            }
        }
    }

    /// Takes a person out.
    pub fn forget(&mut self, id: PersonId, facts: &PersonFacts) {
        if self.filled {
            for word in words_of(&facts.name) {
                if let Some(bearers) = self.words.get_mut(&word) {
                    bearers.remove(&id);
                    if bearers.is_empty() {
                        self.words.remove(&word);
                    }
                }
            }
        }
    }

    /// Who bears all words of a question, the last of which may be a beginning only.
    pub fn find(&self, question: &str) -> BTreeSet<PersonId> {
        let words: Vec<String> = words_of(question).collect();
        let Some((last, whole)) = words.split_last() else { return BTreeSet::new() };
        let beginning = self.words.range(last.clone()..).take_while(|(word, _)| word.starts_with(last));
        let mut found: BTreeSet<PersonId> = beginning.flat_map(|(_, bearers)| bearers).copied().collect();
        for word in whole {
            let bearers = self.words.get(word);
            found.retain(|id| bearers.is_some_and(|bearers| bearers.contains(id)));
        }
        found
    }
}

fn words_of(name: &str) -> impl Iterator<Item = String> {
    let key = plain_key(name);
    key.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// Whether a name has every word of a question, marks compared where the question's word has marks.
pub(super) fn answers(name: &str, question: &str) -> bool {
    let (marked, plain) = (name_key(name), plain_key(name));
    let question_marked = name_key(question);
    question_marked.split(' ').filter(|word| !word.is_empty()).all(|word| {
        let unmarked = plain_key(word);
        let among = |text: &str, word: &str| text.split(' ').any(|other| other.starts_with(word));
        if unmarked == word { among(&plain, word) } else { among(&marked, word) }
    })
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    fn id(serial: u64) -> PersonId {
        PersonId { unit: "00004@2025-07-01".parse().unwrap(), serial }
    }

    fn names() -> Names {
        let facts = |name: &str| PersonFacts { name: name.to_owned(), ..PersonFacts::default() };
        let mut names = Names::default();
        let all = ["Nguyễn Thị Đào", "Nguyễn Văn Đạo", "Lê Thị Hoà"];
        names.fill((1..).map(id).zip(all.map(facts)));
        names
    }

    #[test]
    fn names_are_found_without_marks_and_by_the_beginning_of_the_last_word() {
        let names = names();
        let found = |question: &str| names.find(question).into_iter().map(|id| id.serial).collect::<Vec<_>>();
        assert_eq!(found("nguyen"), [1, 2]);
        assert_eq!(found("dao"), [1, 2]);
        assert_eq!(found("NGUYEN thi"), [1]);
        assert_eq!(found("thị h"), [3]);
        assert_eq!(found("tran"), Vec::<u64>::new());
        assert_eq!(found(""), Vec::<u64>::new());
    }

    #[test]
    fn marks_of_a_question_are_compared() {
        assert!(answers("Nguyễn Thị Đào", "nguyen dao"));
        assert!(answers("Nguyễn Thị Đào", "đào nguyễn"));
        assert!(!answers("Nguyễn Văn Đạo", "đào"));
        assert!(answers("Nguye\u{302}\u{303}n Văn Đạo", "Nguyễn"));
    }

    #[test]
    fn a_forgotten_person_is_not_found() {
        let mut names = names();
        names.forget(id(1), &PersonFacts { name: "Nguyễn Thị Đào".to_owned(), ..PersonFacts::default() });
        assert_eq!(names.find("dao").len(), 1);
        assert_eq!(names.find("thi").len(), 1);
    }
}
