-- due_messages has the place of the column, and the indexes of 0008 that of the others.
DROP TRIGGER messages_due_elsewhere ON messages;
DROP FUNCTION messages_due_elsewhere();
ALTER TABLE messages DROP COLUMN due_at;
DROP INDEX messages_by_state, messages_with_address, messages_reference;
