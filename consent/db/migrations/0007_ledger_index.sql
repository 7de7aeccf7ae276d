-- Records by their place in the log: what is erased by its leaf, and what is checked or exported in the log's order, is
-- found without reading every record. Not unique: what was recorded before there was a log has no leaf.
create index consent_record_leaf on consent_record (site_id, epoch, leaf);

-- Requests of long ago are looked for every hour, and deletions without a certificate every minute.
create index rights_request_time on rights_request (site_id, time);

create index rights_request_uncertified on rights_request (site_id, rule, time) where kind = 'retention' and certificate = '';
