-- The readings whose rows a reading did not store again because both hold them. When the one leaned on is superseded,
-- the one that leans is out of date and is made anew.
CREATE TABLE leaning (
    reading_no    INTEGER NOT NULL,
    on_reading_no INTEGER NOT NULL
);

-- An opaque redirect belongs to the site of the domain its engine names, so a link is an address and that domain
-- ('' when none is named; null in links made before, which no later reading uses).
ALTER TABLE link ADD COLUMN domain VARCHAR;

-- A topic is what an answer's prompt was labelled with when it was asked; the same words may carry another one later.
ALTER TABLE answer ADD COLUMN topic VARCHAR;
UPDATE answer SET topic = p.topic FROM prompt AS p WHERE p.prompt_no = answer.prompt_no;
ALTER TABLE prompt DROP COLUMN topic;
