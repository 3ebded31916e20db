//! Requests of persons go over with the persons that they are of: a serial that was given in the folder that is set
//! aside may be somebody else's on the chain that counts.

use super::{
    super::{
        Node,
        requests::{RequestDeed, RequestRecord, Requests},
    },
    Former,
};
use crate::store::{OfficeRecord, Record, StoreError, Topic};
use danso_core::domain::{PersonId, requests::RequestId};

/// The serial of nobody: serials begin with 1.
const NOBODY: u64 = 0;
/// Why a request is closed whose person did not go over.
const LEFT: &str = "sổ cũ đã được thay, người này chưa được ghi lại: hãy mở yêu cầu mới / \
                    the person was not recorded again, open a new request";

impl Node {
    /// Carries the requests of the folder before over, each with the person whom `now` gives for the one it names. Those
    /// for which it gives nobody are closed, and named in the answer if they were open. Blocks; durable on return.
    pub(super) fn carry_requests(
        &self,
        former: &Former,
        now: impl Fn(PersonId) -> Option<PersonId>,
    ) -> Result<Vec<RequestId>, StoreError> {
        let (mut carried, mut read, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        for bytes in former.store.office(Topic::Requests)? {
            // What a newer program wrote is carried as it is: this one opens no requests beside it.
            let Some(mut record) = RequestRecord::decode(&bytes) else {
                carried.push(bytes);
                continue;
            };
            if let RequestDeed::Opened { person, .. } = &mut record.deed {
                let found = now(*person);
                if found.is_none() {
                    lost.push(record.id.clone());
                }
                *person = found.unwrap_or(PersonId { serial: NOBODY, ..*person });
            }
            carried.push(record.encode());
            read.push(record);
        }
        let requests = Requests::replayed(&read);
        lost.retain(|id| requests.get(id).is_ok_and(|request| request.closed.is_none()));
        for id in &lost {
            let deed = RequestDeed::Refused { reason: LEFT.to_owned() };
            carried.push(RequestRecord { id: id.clone(), on: self.today(), deed }.encode());
        }
        if !carried.is_empty() {
            let office = |bytes| Record::Office(OfficeRecord { topic: Topic::Requests, bytes }).into();
            let records = carried.into_iter().map(office).collect();
            self.store.stage(records, self.store.generation()).blocking_durable()?;
        }
        Ok(lost)
    }
}
