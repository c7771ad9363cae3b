//! Search in the documentation: an index of the pairs of neighbouring characters in everything a page says of a
//! method. Chinese has no blanks between its words, most of which have two characters, so a pair is what an
//! alphabet's word is.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use domain::code::Source;
use top::{Label, Object, Shape, label};

use super::errors::{EXPLAINED, Explained};
use super::notes::{Entry, List};
use crate::web::Lang;

/// Longest query, in characters: longer than the longest method name.
pub const QUERY_CHARS_MAX: usize = 80;
/// Most words of a query that are looked for: more is a sentence, and every one costs a look.
const WORDS_MAX: usize = 8;
/// Most methods that are shown: beyond, a reader asks again with one word more.
pub const FOUND_MAX: usize = 50;
/// Most places of one method that are shown: enough to see why it was found.
const SPOTS_SHOWN_MAX: usize = 4;

/// What of a method was found, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Its title.
    Title,
    /// Its name.
    Name,
    /// What it does.
    Purpose,
    /// A parameter's name.
    Request,
    /// A name in the answer.
    Response,
    /// What a parameter or member means.
    Meaning,
    /// A code and its meaning.
    Code,
}

impl Place {
    /// What readers call it.
    pub const fn title(self) -> Label {
        match self {
            Self::Title => label("标题", "title"),
            Self::Name => label("名称", "name"),
            Self::Purpose => label("用途", "purpose"),
            Self::Request => label("请求参数", "request parameter"),
            Self::Response => label("响应参数", "response member"),
            Self::Meaning => label("参数描述", "description"),
            Self::Code => label("编码", "code"),
        }
    }
}

/// A text that can be found.
#[derive(Debug)]
struct Spot {
    entry: usize,
    place: Place,
    /// Where on the method's page it stands.
    anchor: String,
    /// What it is about, where it does not say so itself.
    of: String,
    text: String,
    folded: Vec<char>,
}

/// A place where a query was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Hit<'s> {
    /// What kind of place.
    pub place: Place,
    /// Its anchor on the method's page.
    pub anchor: &'s str,
    /// What it is about, if its text does not say so.
    pub of: &'s str,
    /// The text before what was looked for.
    pub before: String,
    /// What was looked for, as it stands there.
    pub found: String,
    /// The text after it.
    pub after: String,
}

/// A method that was found.
#[derive(Debug)]
pub struct Found<'s> {
    /// The method.
    pub entry: &'s Entry,
    /// Where, best first.
    pub hits: Vec<Hit<'s>>,
}

/// The index.
#[derive(Debug)]
pub struct Search {
    entries: Vec<Entry>,
    spots: Vec<Spot>,
    /// Where each pair of characters occurs, in the order of the spots.
    pairs: HashMap<[char; 2], Vec<u32>>,
}

impl Search {
    /// Indexes these methods.
    pub fn new(entries: &[Entry]) -> Self {
        let mut search =
            Self { entries: entries.to_vec(), spots: Vec::new(), pairs: HashMap::new() };
        for (at, entry) in entries.iter().enumerate() {
            search.add_entry(at, entry);
        }
        search
    }

    fn add_entry(&mut self, at: usize, entry: &Entry) {
        let (spec, notes) = (entry.spec, entry.notes);
        self.add_label(at, Place::Title, "", "", spec.title);
        self.add(at, Place::Name, "", "", spec.name);
        self.add_label(at, Place::Purpose, "", "", notes.purpose);
        self.add_members(at, Place::Request, "request", &spec.request);
        self.add_members(at, Place::Response, "response", &spec.response);
        for list in notes.refusals.iter().chain(notes.enumerations) {
            self.add_list(at, list);
        }
    }

    fn add_members(&mut self, at: usize, place: Place, path: &str, object: &Object) {
        for field in object.fields {
            let anchor = format!("{path}.{}", field.name);
            self.add(at, place, &anchor, "", field.name);
            self.add_label(at, Place::Meaning, &anchor, field.name, field.label);
            if let Shape::Object(object) | Shape::List(&Shape::Object(object)) = field.shape {
                self.add_members(at, place, &anchor, object);
            }
        }
    }

    fn add_list(&mut self, at: usize, list: &List) {
        let anchor = format!("codes-{}", list.id);
        for row in (list.rows)() {
            let member = list.members.first().copied().unwrap_or_default();
            let of = format!("{member} {}", row.code);
            self.add_label(at, Place::Code, &anchor, &of, row.label);
            // A code that is a word of its own can be looked for; a bare small number is everywhere.
            if row.code.len() >= 3 || row.source == Source::Published && row.code.len() >= 2 {
                self.add(at, Place::Code, &anchor, member, &row.code);
            }
        }
    }

    fn add_label(&mut self, at: usize, place: Place, anchor: &str, of: &str, label: Label) {
        self.add(at, place, anchor, of, label.zh);
        if label.en != label.zh {
            self.add(at, place, anchor, of, label.en);
        }
    }

    fn add(&mut self, entry: usize, place: Place, anchor: &str, of: &str, text: &str) {
        let folded: Vec<_> = text.chars().map(fold).collect();
        let id = u32::try_from(self.spots.len()).unwrap_or(u32::MAX);
        for pair in folded.windows(2) {
            let spots = self.pairs.entry([pair[0], pair[1]]).or_default();
            if spots.last() != Some(&id) {
                spots.push(id);
            }
        }
        let (anchor, of, text) = (anchor.to_owned(), of.to_owned(), text.to_owned());
        self.spots.push(Spot { entry, place, anchor, of, text, folded });
    }

    /// The methods of which every word of the query says something, best first: a title before a name, a name
    /// before a field, and where two are equal the order of the catalogue.
    pub fn find(&self, query: &str, lang: Lang) -> Vec<Found<'_>> {
        let words = words(query);
        if words.is_empty() {
            return Vec::new();
        }
        let mut tallies: BTreeMap<usize, Tally<'_>> = BTreeMap::new();
        for (number, word) in words.iter().enumerate() {
            for (entry, spots) in self.spots_of(word) {
                let best = spots.iter().map(|(spot, _)| spot.place as usize).min().unwrap_or(0);
                let tally = tallies.entry(entry).or_default();
                // One that a word before was not found in is out.
                if tally.words == number {
                    tally.words += 1;
                    tally.rank += best;
                    tally.spots.extend(spots);
                }
            }
        }
        tallies.retain(|_, tally| tally.words == words.len());
        let mut found: Vec<_> = tallies.into_iter().collect();
        found.sort_by_key(|(entry, tally)| (tally.rank, *entry));
        let best = found.into_iter().take(FOUND_MAX);
        best.map(|(entry, tally)| Found {
            entry: &self.entries[entry],
            hits: shown(tally.spots, lang),
        })
        .collect()
    }

    /// Where a word occurs, by method.
    fn spots_of(&self, word: &[char]) -> BTreeMap<usize, Vec<(&Spot, Range<usize>)>> {
        let mut spots: BTreeMap<usize, Vec<_>> = BTreeMap::new();
        for id in self.candidates(word) {
            let Some(spot) = self.spots.get(id as usize) else { continue };
            if let Some(at) = spot.folded.windows(word.len()).position(|part| part == word) {
                spots.entry(spot.entry).or_default().push((spot, at..at + word.len()));
            }
        }
        spots
    }

    /// The spots that have all pairs of a word; all there are for one of a single character.
    fn candidates(&self, word: &[char]) -> Vec<u32> {
        let mut lists: Vec<&[u32]> = Vec::new();
        for pair in word.windows(2) {
            match self.pairs.get(&[pair[0], pair[1]]) {
                Some(spots) => lists.push(spots),
                None => return Vec::new(),
            }
        }
        lists.sort_by_key(|list| list.len());
        let Some((shortest, others)) = lists.split_first() else {
            return (0..u32::try_from(self.spots.len()).unwrap_or(u32::MAX)).collect();
        };
        let in_all = |id: &&u32| others.iter().all(|list| list.binary_search(id).is_ok());
        shortest.iter().filter(in_all).copied().collect()
    }
}

/// The platform's errors of which every word says something.
pub fn errors(query: &str) -> Vec<&'static Explained> {
    let words = words(query);
    let says = |explained: &&Explained| {
        let (row, cause) = (explained.row, explained.cause);
        let names = explained.sub_codes().join(" ");
        let text = format!("{} {} {names} {} {}", row.code, row.msg, cause.zh, cause.en);
        let text: Vec<_> = text.chars().map(fold).collect();
        words.iter().all(|word| text.windows(word.len()).any(|part| part == word))
    };
    if words.is_empty() { Vec::new() } else { EXPLAINED.iter().filter(says).collect() }
}

/// The words of a query, as they are compared.
fn words(query: &str) -> Vec<Vec<char>> {
    let words = query.split_whitespace().take(WORDS_MAX);
    words.map(|word| word.chars().map(fold).collect()).collect()
}

/// What is known of a method while a query's words are looked for.
#[derive(Default)]
struct Tally<'s> {
    /// How many of the words were found.
    words: usize,
    /// The best places of them, added up.
    rank: usize,
    spots: Vec<(&'s Spot, Range<usize>)>,
}

/// The best places, those in the reader's language first where two are of one kind.
fn shown<'s>(mut spots: Vec<(&'s Spot, Range<usize>)>, lang: Lang) -> Vec<Hit<'s>> {
    let is_foreign = |spot: &Spot| (lang == Lang::Zh) == spot.text.is_ascii();
    spots.sort_by_key(|(spot, _)| (spot.place, is_foreign(spot)));
    let mut hits: Vec<Hit<'_>> = Vec::new();
    for (spot, at) in spots {
        let letters: Vec<char> = spot.text.chars().collect();
        let part = |range: Range<usize>| letters[range].iter().collect::<String>();
        let hit = Hit {
            place: spot.place,
            anchor: &spot.anchor,
            of: &spot.of,
            before: part(0..at.start),
            found: part(at.clone()),
            after: part(at.end..letters.len()),
        };
        if !hits.contains(&hit) {
            hits.push(hit);
        }
        if hits.len() == SPOTS_SHOWN_MAX {
            break;
        }
    }
    hits
}

/// A character as it is compared: capitals are small, full-width forms are plain, and what joins the words of a
/// name is one and the same.
const fn fold(letter: char) -> char {
    let letter = match letter {
        // The full-width forms stand in the order of ASCII.
        '\u{ff01}'..='\u{ff5e}' => ((letter as u32 - 0xfee0) as u8) as char,
        _ => letter,
    };
    match letter.to_ascii_lowercase() {
        '_' | '-' => '.',
        letter => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::super::notes::ENTRIES;
    use super::*;

    fn names(query: &str) -> Vec<&'static str> {
        let search = Search::new(ENTRIES);
        search.find(query, Lang::Zh).iter().map(|found| found.entry.spec.name).collect()
    }

    const CANCEL: &str = "alitrip.btrip.flight.distribution.order.cancel";
    const CHANGE: &str = "alitrip.btrip.flight.distribution.change.detail";
    const REFUND: &str = "alitrip.btrip.supplychain.train.callback.refund";
    const RENTAL: &str = "alitrip.rentcar.btb.order.cancelcheck";

    #[test]
    fn a_word_of_two_characters_finds_what_it_is_the_title_of_first() {
        assert_eq!(names("改签"), [CHANGE]);
        assert_eq!(names("退票")[0], REFUND);
        assert_eq!(names("租车"), [RENTAL]);
        assert_eq!(names("取消")[..2], [CANCEL, RENTAL]);
    }

    #[test]
    fn every_word_of_a_query_must_say_something_of_the_method() {
        assert_eq!(names("cancel rental"), [RENTAL]);
        assert_eq!(names("退票 SM4"), [REFUND]);
        assert_eq!(names("租车 SM4"), [""; 0]);
        assert_eq!(names("  "), [""; 0]);
    }

    #[test]
    fn names_are_found_in_part_however_their_words_are_joined() {
        for query in ["order.cancel", "ORDER_CANCEL", "order-cancel", "order.cancel"] {
            assert_eq!(names(query)[0], CANCEL, "{query}");
        }
        assert_eq!(names("passenger_id_no"), [REFUND]);
        assert_eq!(names("HT-3001"), ["alibaba.happytrip.flight.order.itinerary.postback"]);
        assert_eq!(names("车")[0], REFUND);
    }

    #[test]
    fn a_hit_shows_where_it_is_and_what_was_found_in_it() {
        let search = Search::new(ENTRIES);
        let found = search.find("子渠道", Lang::Zh);
        assert_eq!(found[0].entry.spec.name, CHANGE);
        let hit = Hit {
            place: Place::Meaning,
            anchor: "request.param_btrip_flight_order_operate_common_rq.sub_channel",
            of: "sub_channel",
            before: "分销".to_owned(),
            found: "子渠道".to_owned(),
            after: ",通常为corpId".to_owned(),
        };
        assert_eq!(found[0].hits[0], hit);
    }

    #[test]
    fn of_two_places_of_a_kind_the_one_in_the_readers_language_is_shown_first() {
        let search = Search::new(ENTRIES);
        let first = |lang| {
            let found = search.find("SM4", lang);
            let hit = &found[0].hits[0];
            (hit.place, hit.before.clone())
        };
        assert_eq!(
            first(Lang::Zh),
            (Place::Purpose, "供应商回传火车票退票结果，乘客信息用 ".into())
        );
        let english = "Takes a supplier's report of a rail refund, its passengers sealed with ";
        assert_eq!(first(Lang::En), (Place::Purpose, english.into()));
    }

    #[test]
    fn the_platforms_errors_are_found_by_code_words_and_cause() {
        let codes = |query: &str| -> Vec<u16> {
            errors(query).iter().map(|explained| explained.row.code).collect()
        };
        assert_eq!(codes("ISV.invalid-parameter"), [50]);
        assert_eq!(codes("invalid signature"), [25]);
        assert_eq!(codes("25"), [25]);
        assert_eq!(codes("过期"), [27]);
        assert_eq!(codes("改签"), [0; 0]);
        assert_eq!(codes(" "), [0; 0]);
    }
}
