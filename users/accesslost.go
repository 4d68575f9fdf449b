package users

import "context"

// accessLost is what the event of a suspension says for the evidence of
// offboarding: from which epoch on somebody's sessions and grants are dead, and
// which applications they could use until then. Both are empty where they had no access before.
type accessLost struct {
	Epoch        int64           `json:"epoch,omitempty"`
	Applications []ApplicationID `json:"applications,omitempty"`
}

// suspendedPayload is the payload of EventUserSuspended where no import made it.
type suspendedPayload struct {
	reasonPayload
	accessLost
}

// losing returns what people lose who are about to be suspended. They come as
// they were before; the epoch rises by one.
func losing(ctx context.Context, tx Tx, people ...User) (map[ID]accessLost, error) {
	var ids []ID
	lost := map[ID]accessLost{}
	for _, u := range people {
		if u.State() == StateActive { // a window that has just shut is what the event is about
			ids = append(ids, u.ID)
			lost[u.ID] = accessLost{Epoch: u.Epoch + 1}
		}
	}
	applications, err := tx.ApplicationsByUser(ctx, ids)
	for id, used := range applications {
		lost[id] = accessLost{Epoch: lost[id].Epoch, Applications: used}
	}
	return lost, err
}
