//! What is written is read back equal, and a spreadsheet runs none of it.

use crate::operations::forms::{
    Delimiter, Fault, LineEnd, Style, event_capture, event_rows, register_capture, register_rows,
    spelling::Listed, write_events, write_faults, write_register,
};
use danso_core::domain::{
    BirthPlace, Education, Ethnicity, HouseholdKind, Marital, Method, PregnancyOutcome, Reach, Residence,
    Screening, Sex,
    form::{EventForm, EventRow, NewPerson, PersonReference, RegisterRow},
    personal::tidy,
};
use danso_tier_config::Date;
use std::collections::BTreeSet;

/// A small generator (`SplitMix64`): the seed of a failing case is in the message.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    fn one<T: Listed>(&mut self) -> T {
        let all: Vec<T> = T::entries().collect();
        all[self.below(all.len())]
    }

    fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(2) == 0).then(|| value(self))
    }

    /// A text of hard pieces: delimiters, quotes, apostrophes, formula signs, marks in NFC and NFD.
    fn text(&mut self) -> String {
        const PIECES: [&str; 20] = [
            "=",
            "+",
            "-",
            "@",
            "'",
            "''",
            "\"",
            "\"\"",
            ",",
            ";",
            "#",
            " ",
            "Nguyễn",
            "Nguye\u{302}\u{303}n",
            "Hòa",
            "cmd|' /C calc'!A0",
            "<script>",
            "🌸",
            "|",
            "Đ",
        ];
        let pieces: String = (0..=self.below(5)).map(|_| PIECES[self.below(PIECES.len())]).collect();
        tidy(&pieces)
    }

    fn name(&mut self) -> String {
        let text = self.text();
        if text.is_empty() { "Lan".to_owned() } else { text }
    }

    fn date(&mut self) -> Date {
        Date::from_days(720_000 + self.below(20_000) as u32).unwrap()
    }

    fn register_row(&mut self) -> RegisterRow {
        let person = NewPerson {
            household: format!("{}.1/A-b", self.below(9_999)),
            subject_code: ["", "GD4010123456789"][self.below(2)].to_owned(),
            ..self.new_person()
        };
        RegisterRow {
            area: 1 + self.below(40) as u16,
            household_kind: self.one::<HouseholdKind>(),
            address: self.text(),
            line: 1 + self.below(60_000) as u16,
            citizen_number: String::new(),
            residence: self.one::<Residence>(),
            method: if person.sex == Sex::Female { self.maybe(Self::one::<Method>) } else { None },
            phone: ["", "+84 912-345", "-0912", "(024) 38"][self.below(4)].to_owned(),
            person,
        }
    }

    fn named_row(&mut self, name: &str) -> RegisterRow {
        let mut row = self.register_row();
        name.clone_into(&mut row.person.name);
        row
    }

    fn reference(&mut self) -> PersonReference {
        PersonReference {
            household: "27".to_owned(),
            subject_code: ["", "GD1"][self.below(2)].to_owned(),
            name: self.name(),
            birth_date: self.maybe(Self::date),
        }
    }

    fn new_person(&mut self) -> NewPerson {
        NewPerson {
            household: "27".to_owned(),
            subject_code: String::new(),
            name: self.name(),
            relation: self.text(),
            sex: self.one(),
            birth_date: self.date(),
            ethnicity: self.one(),
            education: self.one(),
            marital: self.one(),
        }
    }

    fn event(&mut self, on: Date) -> EventForm {
        let person = self.reference();
        match self.below(13) {
            0 => EventForm::Birth {
                child: NewPerson {
                    birth_date: on,
                    education: Education::None,
                    marital: Marital::NeverMarried,
                    ..self.new_person()
                },
                mother_birth: self.date(),
                order: 1 + self.below(30) as u8,
                place: self.one::<BirthPlace>(),
            },
            1 => EventForm::NewbornScreening { person, results: std::array::from_fn(|_| self.one()) },
            2 => EventForm::Death(person),
            3 => EventForm::Arrival {
                person: self.new_person(),
                area: self.maybe(|draw| 1 + draw.below(9) as u16),
                residence: self.one(),
                reach: self.one::<Reach>(),
                other_unit: ["", "00004"][self.below(2)].to_owned(),
            },
            4 => EventForm::Departure { person, reach: self.one(), other_unit: String::new() },
            5 => EventForm::Marriage(person),
            6 => EventForm::Divorce(person),
            7 => EventForm::Correction {
                person,
                new_name: Some(self.name()),
                new_birth_date: self.maybe(Self::date),
                new_sex: self.maybe(Self::one),
                new_education: self.maybe(Self::one),
                new_marital: self.maybe(Self::one),
                new_residence: self.maybe(Self::one),
            },
            8 => EventForm::MethodStarted { person, method: self.one() },
            9 => EventForm::MethodStopped(person),
            10 => EventForm::Pregnancy {
                person,
                outcome: self.one::<PregnancyOutcome>(),
                order: 1 + self.below(40) as u8,
            },
            11 => EventForm::PrenatalScreening {
                person,
                week: [12, 21][self.below(2)],
                results: std::array::from_fn(|_| self.one::<Screening>()),
            },
            _ => EventForm::ElderlyCheck(person),
        }
    }
}

fn styles() -> impl Iterator<Item = Style> {
    [Delimiter::Comma, Delimiter::Semicolon, Delimiter::Tab].into_iter().flat_map(|delimiter| {
        [(LineEnd::Unix, false), (LineEnd::Windows, true)].map(|(line_end, byte_order_mark)| Style {
            delimiter,
            line_end,
            byte_order_mark,
        })
    })
}

#[test]
fn register_rows_are_read_back_equal() {
    for seed in 0..300 {
        let mut draw = Draw(seed);
        let rows: Vec<RegisterRow> = (0..5).map(|_| draw.register_row()).collect();
        for style in styles() {
            let mut file = Vec::new();
            write_register(&rows, style, &mut file).unwrap();
            let again: Vec<_> =
                register_rows(file.as_slice()).unwrap().map(|row| row.unwrap().content).collect();
            assert_eq!(again, rows, "seed {seed} {style:?}");
        }
    }
}

#[test]
fn event_rows_are_read_back_equal() {
    for seed in 0..300 {
        let mut draw = Draw(seed);
        let rows: Vec<EventRow> = (0..5)
            .map(|_| {
                let on = draw.date();
                EventRow { on, event: draw.event(on) }
            })
            .collect();
        for style in styles() {
            let mut file = Vec::new();
            write_events(&rows, style, &mut file).unwrap();
            let again: Vec<_> =
                event_rows(file.as_slice()).unwrap().map(|row| row.unwrap().content).collect();
            assert_eq!(again, rows, "seed {seed} {style:?}");
        }
    }
}

#[test]
fn no_written_cell_begins_with_a_formula_sign() {
    for seed in 0..300 {
        let row = Draw(seed).register_row();
        let mut file = Vec::new();
        write_register([&row], Style { byte_order_mark: false, ..Style::default() }, &mut file).unwrap();
        for record in csv::Reader::from_reader(file.as_slice()).records() {
            for cell in &record.unwrap() {
                assert!(!cell.starts_with(['=', '+', '-', '@']), "seed {seed}: {cell}");
            }
        }
    }
}

#[test]
fn a_formula_in_a_name_is_written_as_text_and_read_back() {
    let name = "=cmd|' /C calc'!A0";
    let row = Draw(1).named_row(name);
    let mut file = Vec::new();
    write_register([&row], Style::default(), &mut file).unwrap();
    assert!(String::from_utf8_lossy(&file).contains("'=cmd"));
    let again = register_rows(file.as_slice()).unwrap().next().unwrap().unwrap().content;
    assert_eq!(again.person.name, name);
}

#[test]
fn captures_tell_contents_apart_and_ignore_composition() {
    let row = Draw(1).named_row("Nguyễn Hòa");
    let decomposed = Draw(1).named_row("Nguye\u{302}\u{303}n  Ho\u{300}a");
    assert_eq!(register_capture(&row), register_capture(&decomposed));
    let phone = RegisterRow { phone: "0999".to_owned(), ..row.clone() };
    assert_eq!(register_capture(&row).0[..8], register_capture(&phone).0[..8]);
    assert_ne!(register_capture(&row), register_capture(&phone));
    let line = RegisterRow { line: row.line ^ 1, ..row.clone() };
    assert_ne!(register_capture(&row).0[..8], register_capture(&line).0[..8]);
    let mut seen = BTreeSet::new();
    for seed in 0..300 {
        let mut draw = Draw(seed);
        let on = Date::from_days(739_000 + seed as u32).unwrap();
        assert!(seen.insert(event_capture(&EventRow { on, event: draw.event(on) })), "seed {seed}");
    }
}

#[test]
fn captures_are_the_same_in_every_version() {
    let row = RegisterRow {
        area: 1,
        household_kind: HouseholdKind::Family,
        address: "Xóm Đình".to_owned(),
        line: 1,
        person: NewPerson {
            household: "27".to_owned(),
            subject_code: "GD1".to_owned(),
            name: "Nguyễn Văn Hòa".to_owned(),
            relation: "chủ hộ".to_owned(),
            sex: Sex::Male,
            birth_date: "1975-09-05".parse().unwrap(),
            ethnicity: Ethnicity::KINH,
            education: Education::UpperSecondary,
            marital: Marital::Married,
        },
        citizen_number: String::new(),
        residence: Residence::Present,
        method: None,
        phone: String::new(),
    };
    let pinned = 0xfb80_e443_a9e8_3f25_9255_5aef_2008_3ca1_u128;
    assert_eq!(u128::from_be_bytes(register_capture(&row).0), pinned);
}

#[test]
fn a_fault_report_is_a_file_of_its_own() {
    let text = "area,household,line,name,sex,birth_date,ethnicity,education,marital,residence\n1,2,3,=A1\u{1b},nam,01/01/1980,1,1,1,1\n";
    let faults: Vec<Fault> =
        register_rows(text.as_bytes()).unwrap().filter_map(Result::err).flatten().collect();
    let mut report = Vec::new();
    write_faults(&faults, Style { byte_order_mark: false, ..Style::default() }, &mut report).unwrap();
    let report = String::from_utf8(report).unwrap();
    let line = report.lines().nth(1).unwrap();
    assert_eq!(
        line,
        "2,name,họ và tên,'=A1\\u{1b},invisible_letter,ô có xuống dòng hoặc ký tự ẩn,\
         the cell holds a line break or an invisible character"
    );
}
