//! Pages kept up to date: a stream of the parts that changed, for as long as the session and the node last.

use super::{
    failure::Failure,
    fields::Asked,
    language::Language,
    pages::{Choice, alerts, overview, unit, units},
    site::{Admitted, Site, Visitor},
    streams::StreamPlace,
};
use crate::operations::accounts::Right;
use axum::{
    Extension,
    extract::{Path, State},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use danso_tier_config::{UnitId, limits};
use futures_util::{
    future::ready,
    stream::{once, unfold},
};
use maud::Markup;
use std::{collections::BTreeMap, convert::Infallible, time::Duration};
use tokio::{sync::watch, time::sleep};

/// A part of a page that may change, with the id of the element around it.
pub(super) struct Part {
    pub id: String,
    pub inside: Markup,
}

/// Which page is kept up to date.
#[derive(Debug, Clone)]
enum Kept {
    Overview,
    Alerts,
    Units(Vec<UnitId>),
    Unit(UnitId),
}

impl Kept {
    fn parts(&self, site: &Site, language: Language, scope: UnitId) -> Vec<Part> {
        match self {
            Self::Overview => overview::parts(site, language, scope),
            Self::Alerts => alerts::parts(site, language, scope),
            Self::Units(rows) => units::parts(site, language, scope, rows),
            Self::Unit(unit) => unit::parts(site, language, scope, *unit),
        }
    }
}

/// One page that stays open.
struct Open {
    site: Site,
    visitor: Visitor,
    kept: Kept,
    changed: watch::Receiver<u64>,
    /// What the browser has, by id.
    sent: BTreeMap<String, String>,
    begun: bool,
    ended: bool,
    _place: StreamPlace,
}

/// Streams the parts of a page. Ends with the node, the session, or the right to see it.
pub(super) async fn stream(
    State(site): State<Site>,
    Extension(visitor): Extension<Visitor>,
    Extension(admitted): Extension<Admitted>,
    Path(page): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let scope = admitted.scope;
    let kept = match page.as_str() {
        "overview" => Kept::Overview,
        "alerts" => Kept::Alerts,
        "units" => {
            let (shared, choice) = (site.clone(), Choice::of(&asked));
            Kept::Units(site.node.blocking(move |_| units::on_page(&shared, scope, &choice)).await)
        }
        "unit" => Kept::Unit(unit::find(&site, asked.text("unit"), scope)?),
        _ => return Err(Failure::no_page()),
    };
    let Some(place) = site.streams.enter(&admitted.session.caller.name) else {
        return Ok(only("full", Failure::streams_full().code));
    };
    let changed = site.node.store.changed();
    let open = Open {
        site,
        visitor,
        kept,
        changed,
        sent: BTreeMap::new(),
        begun: false,
        ended: false,
        _place: place,
    };
    let events = unfold(open, |open| async move { open.next().await });
    let alive = KeepAlive::new().interval(Duration::from_millis(limits::WEB_UPDATE_MS_MAX));
    Ok(Sse::new(events).keep_alive(alive).into_response())
}

/// A stream of one word. A status other than 200 is hidden from the script, which would take it for a lost line.
fn only(word: &'static str, data: &'static str) -> Response {
    Sse::new(once(ready(Ok::<_, Infallible>(Event::default().event(word).data(data))))).into_response()
}

/// The stream of a page whose session is gone.
pub(super) fn ended() -> Response {
    only("end", Failure::signed_out().code)
}

impl Open {
    /// The next parts that differ from what the browser has; `None` at the end.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if self.ended || (self.begun && !self.wait().await) {
                return None;
            }
            let Some(scope) = self.scope() else {
                self.ended = true;
                // Told to the script, which would ask again for ever.
                return Some((Ok(Event::default().event("end").data("session")), self));
            };
            let (site, kept, language) = (self.site.clone(), self.kept.clone(), self.visitor.language);
            let parts = self.site.node.blocking(move |_| kept.parts(&site, language, scope)).await;
            let mut news = BTreeMap::new();
            for part in parts {
                let text = part.inside.into_string();
                if self.sent.get(&part.id) != Some(&text) {
                    self.sent.insert(part.id.clone(), text.clone());
                    news.insert(part.id, text);
                }
            }
            if !news.is_empty() || !self.begun {
                self.begun = true;
                let data = serde_json::to_string(&news).unwrap_or_default();
                return Some((Ok(Event::default().data(data)), self));
            }
        }
    }

    /// Waits until something may have changed; false when the node stops.
    async fn wait(&mut self) -> bool {
        let mut stop = self.site.stop.clone();
        let longest = Duration::from_millis(limits::WEB_UPDATE_MS_MAX - limits::WEB_UPDATE_MS);
        let changed = async {
            sleep(Duration::from_millis(limits::WEB_UPDATE_MS)).await;
            tokio::select! {
                _ = self.changed.changed() => {}
                () = sleep(longest) => {}
            }
        };
        tokio::select! {
            () = changed => true,
            _ = stop.wait_for(|stop| *stop) => false,
        }
    }

    /// What the visitor sees at this moment; `None` once the session or the right is gone.
    fn scope(&self) -> Option<UnitId> {
        let session = self.visitor.session.as_ref()?;
        let caller = self.site.node.holder_of(&session.shown).ok()?;
        self.site.node.scope_of(Some(caller.role), caller.unit, Right::ReadStatus).ok()
    }
}
